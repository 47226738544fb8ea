using System.CommandLine;
using System.CommandLine.Help;
using DiffSynthSharp.Cli.Commands;

namespace DiffSynthSharp.Cli;

/// <summary>The <c>diffsynth</c> command: parsing, exit codes and errors.</summary>
internal static class CommandLine
{
    /// <summary>The request or a file was wrong.</summary>
    public const int Failed = 2;

    /// <summary>128 + SIGINT, as shells have it.</summary>
    public const int Cancelled = 130;

    private const int HelpWidth = 110;

    /// <summary>Runs one command.</summary>
    /// <returns>The process's exit code: 0, <see cref="Failed"/>, <see cref="Cancelled"/>, <see cref="VerifyCommand.Differs"/> or <see cref="ModelsWhereCommand.Incomplete"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Terminal terminal, CancellationToken cancellation)
    {
        var parsed = Parse(arguments.Count == 0 ? ["--help"] : arguments, terminal);
        if (parsed.Errors.Count > 0 && parsed.Action is not { ClearsParseErrors: true })
        {
            Say(terminal, $"{parsed.Errors[0].Message.TrimEnd('.')}. See '{PathOf(parsed.CommandResult.Command)} --help'.");
            return Failed;
        }
        try
        {
            var configuration = new InvocationConfiguration
            {
                Output = terminal.Out,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            };
            return await parsed.InvokeAsync(configuration, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            terminal.Error.WriteLine("Stopped.");
            return Cancelled;
        }
        catch (Exception e)
        {
            Say(terminal, MessageOf(e));
            if (Environment.GetEnvironmentVariable("DIFFSYNTH_DEBUG") == "1") terminal.Error.WriteLine(e);
            return Failed;
        }
    }

    /// <summary>Takes a command line apart. A prompt may begin with @, which must not name a file of further arguments.</summary>
    public static ParseResult Parse(IReadOnlyList<string> arguments, Terminal terminal) => Root(terminal).Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });

    // libtorch's messages carry a stack of native frames from their second line on.
    private static string MessageOf(Exception e)
    {
        if (e is DiffSynthException) return e.Message;
        var first = e.Message.Split('\n', 2)[0];
        return first.Contains("memory", StringComparison.OrdinalIgnoreCase)
            ? $"There is not enough memory ({first.TrimEnd('.')}). Try a smaller --size or --batch."
            : $"{e.GetType().Name}: {first} (DIFFSYNTH_DEBUG=1 shows where).";
    }

    private static void Say(Terminal terminal, string message)
        => terminal.Error.WriteLine($"error: {string.Join(' ', message.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))}");

    private static Command Root(Terminal terminal)
    {
        var root = new Command("diffsynth", "Type a prompt, get the picture: Stable Diffusion on this machine, offline.")
        {
            GenerateCommand.Create(terminal),
            VerifyCommand.Create(terminal),
            AnnotateCommand.Create(terminal),
            UpscaleCommand.Create(terminal),
            InspectCommand.Create(terminal),
            PlanCommand.Create(terminal),
            LoraCommand.Create(terminal),
            ModelsCommand.Create(terminal),
            BenchCommand.Create(terminal),
            TrainCommand.Create(terminal),
        };
        var help = new HelpOption { Recursive = true };
        help.Action = new HelpWithExamples(new HelpAction { MaxWidth = HelpWidth });
        root.Options.Add(help);
        root.Options.Add(new VersionOption());
        return root;
    }

    private static string PathOf(Command command)
        => string.Join(' ', command.Parents.OfType<Command>().Select(PathOf).Append(command.Name));
}
