using Spectre.Console;

namespace DiffSynthSharp.Cli;

/// <summary>Where a command writes: results to the output, everything else to the error stream.</summary>
/// <param name="Out">Results.</param>
/// <param name="Error">Progress, remarks and errors.</param>
/// <param name="IsLive">Whether the error stream is a screen on which lines can be redrawn.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, bool IsLive)
{
    public static Terminal OfProcess() => new(Console.Out, Console.Error, !Console.IsErrorRedirected);

    /// <summary>Draws on the error stream.</summary>
    public IAnsiConsole Screen() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Error) });

    /// <summary>Draws tables on the output; at least 100 columns wide when that is a file.</summary>
    public IAnsiConsole Page()
    {
        var page = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Out) });
        if (!IsLive || Console.IsOutputRedirected) page.Profile.Width = 160;
        return page;
    }
}
