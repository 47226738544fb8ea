namespace DiffSynthSharp.Cli.Tests;

/// <summary>What a command left behind.</summary>
/// <param name="ExitCode">0, 2 or 130.</param>
/// <param name="Out">Results.</param>
/// <param name="Error">Progress and errors.</param>
internal sealed record Run(int ExitCode, string Out, string Error)
{
    public string[] Lines => Out.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

    public string[] ErrorLines => Error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs a command in this process, as if both streams were files.</summary>
    public static Task<Run> Of(params string[] arguments) => Of(CancellationToken.None, arguments);

    public static async Task<Run> Of(CancellationToken cancellation, params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exitCode = await CommandLine.RunAsync(arguments, new Terminal(output, error, IsLive: false), cancellation);
        return new Run(exitCode, output.ToString(), error.ToString());
    }
}
