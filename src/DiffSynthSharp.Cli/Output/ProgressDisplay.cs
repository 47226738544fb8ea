using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace DiffSynthSharp.Cli.Output;

/// <summary>Shows how far a job is: a bar on a screen, lines in a file, nothing when that is wished.</summary>
internal sealed class ProgressDisplay(Terminal terminal, bool isQuiet)
{
    /// <summary>Runs a job and shows its progress.</summary>
    public T Run<T>(Func<IProgress<GenerationProgress>, T> work)
    {
        if (isQuiet) return work(new Silence());
        if (!terminal.IsLive) return work(new Lines(terminal.Error));
        var screen = terminal.Screen();
        var progress = screen.Progress().AutoClear(true).HideCompleted(false)
            .Columns(new ProgressBarColumn { Width = 30 }, new TaskDescriptionColumn { Alignment = Justify.Left });
        return progress.Start(context => work(new Bar(screen, context.AddTask("Starting …"))));
    }

    private static string Name(GenerationPhase phase) => phase switch
    {
        GenerationPhase.Load => "load",
        GenerationPhase.Encode => "encode",
        GenerationPhase.Step => "step",
        GenerationPhase.Write => "write",
        _ => "decode",
    };

    private static string Line(GenerationProgress report)
    {
        var pace = report.SecondsPerPart > 0 ? string.Create(CultureInfo.InvariantCulture, $", {report.SecondsPerPart:0.00} s/step") : "";
        var left = report.Left is { TotalSeconds: > 0 } time ? $", {Duration(time)} left" : "";
        return $"step {report.Done}/{report.Total}{pace}{left}";
    }

    private static string Duration(TimeSpan time)
        => time.TotalSeconds < 100 ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s") : $"{(int)time.TotalMinutes} min {time.Seconds} s";

    private sealed class Silence : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value)
        {
        }
    }

    /// <summary>A line for every step, and one when another phase begins or ends.</summary>
    private sealed class Lines(TextWriter output) : IProgress<GenerationProgress>
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private GenerationPhase? _phase;

        public void Report(GenerationProgress value)
        {
            if (value.Message is { } message) output.WriteLine(message);
            if (value.Phase == GenerationPhase.Step) output.WriteLine(Line(value));
            else if (value.Done == value.Total && (value.Phase != _phase || value.Message is null))
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Name(value.Phase)}: done at {_clock.Elapsed.TotalSeconds:0.0} s"));
            _phase = value.Phase;
        }
    }

    private sealed class Bar(IAnsiConsole screen, ProgressTask task) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value)
        {
            if (value.Message is { } message) screen.WriteLine(message);
            if (value.Total < 1) return;
            task.Value = 100.0 * value.Done / value.Total;
            task.Description = Markup.Escape(value.Phase == GenerationPhase.Step ? Line(value) : $"{Name(value.Phase)} {value.Done}/{value.Total}");
        }
    }
}
