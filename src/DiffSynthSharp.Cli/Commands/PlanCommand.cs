using System.CommandLine;
using System.Globalization;
using DiffSynthSharp.Benchmarking;
using DiffSynthSharp.Cli.Output;
using Spectre.Console;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth plan</c>: what pictures will take, before anything is loaded.</summary>
internal sealed class PlanCommand
{
    private readonly Option<string?> _model = Values.Text("--model", "PATH", "A checkpoint or a model folder. Default: the starter model.", "-m");
    private readonly Option<(int Width, int Height)?> _size = Values.Size("--size", "Picture size in pixels. Default: the model's own.");
    private readonly Option<int?> _steps = Values.Whole("--steps", "N", "Denoising steps. Default: 20.");
    private readonly Option<double?> _guidance = Values.Number("--guidance", "X", "Classifier-free guidance; above 1 a step does twice the work. Default: the model's.");
    private readonly Option<int?> _count = Values.Whole("--count", "N", "Number of pictures. Default: 1.");
    private readonly Option<int?> _batch = Values.Whole("--batch", "N", "Pictures denoised side by side. Default: 1.");
    private readonly Option<int?> _length = Values.Whole("--text-length", "N", "Tokens of T5. Default: the family's.");
    private readonly Option<bool> _tiled = Values.Flag("--tiled", "Works in overlapping tiles.");
    private readonly LoadingOptions _loading = new();
    private readonly Option<bool> _json = Values.Flag("--json", "Print one JSON object.");

    private sealed record ModeForecast(MemoryMode Mode, long PeakBytes, long WeightBytes, long ReadBytesPerStep);

    public static Command Create(Terminal terminal)
    {
        var options = new PlanCommand();
        var command = new CommandWithExamples(
            "plan", "Say what pictures will take before anything is loaded: memory of each phase, bytes read per step, time, and what each memory mode changes.",
            "diffsynth plan --model flux1-dev.safetensors --size 1024x1024 --steps 28", "diffsynth plan --model flux1-dev-Q4_K_S.gguf --memory low --memory-budget 4 --json")
        {
            options._model, options._size, options._steps, options._guidance, options._count, options._batch, options._length, options._tiled,
        };
        foreach (var option in options._loading.All) command.Options.Add(option);
        command.Options.Add(options._json);
        command.SetAction(parsed =>
        {
            options.Run(terminal, parsed);
            return 0;
        });
        return command;
    }

    private void Run(Terminal terminal, ParseResult parsed)
    {
        var (path, loading) = (StarterModel.Or(parsed.GetValue(_model)), _loading.Of(parsed));
        var pictures = new PlannedPictures
        {
            Size = parsed.GetValue(_size),
            Steps = parsed.GetValue(_steps) ?? 20,
            Guidance = parsed.GetValue(_guidance),
            Count = parsed.GetValue(_count) ?? 1,
            Batch = parsed.GetValue(_batch) ?? 1,
            TextLength = parsed.GetValue(_length),
            Tiles = parsed.GetValue(_tiled) ? new() : null,
        };
        var forecast = MemoryForecast.Of(path, pictures, loading);
        var modes = Enum.GetValues<MemoryMode>().Select(mode => InMode(path, pictures, loading, mode)).ToList();
        var time = TimeForecast.Of(forecast, loading.Threads);
        if (parsed.GetValue(_json)) JsonLines.Write(terminal.Out, new { Model = path, forecast.Family, Width = forecast.Size.Width, Height = forecast.Size.Height, Mode = Word(forecast.Mode), forecast.PeakBytes, forecast.FreeBytes, Phases = forecast.Phases.Select(Named), Modes = modes.Select(Named), Time = time });
        else WriteTables(terminal, path, forecast, modes, time);
    }

    private static ModeForecast InMode(string path, PlannedPictures pictures, LoadOptions loading, MemoryMode mode)
    {
        var forecast = MemoryForecast.Of(path, pictures, loading with { Memory = mode });
        return new(mode, forecast.PeakBytes, forecast.Phases.Max(phase => phase.WeightBytes), forecast.Of(GenerationPhase.Step).ReadBytes);
    }

    private static object Named(PhaseForecast phase)
        => new { Phase = Word(phase.Phase), phase.PeakBytes, phase.WeightBytes, phase.ActivationBytes, phase.ReadBytes, phase.Operations };

    private static object Named(ModeForecast mode) => new { Mode = Word(mode.Mode), mode.PeakBytes, mode.WeightBytes, mode.ReadBytesPerStep };

    private static void WriteTables(Terminal terminal, string path, MemoryForecast forecast, IReadOnlyList<ModeForecast> modes, TimeForecast time)
    {
        var page = terminal.Page();
        var pictures = forecast.Pictures == 1 ? "one picture" : $"{forecast.Pictures} pictures";
        page.WriteLine($"{path}: {forecast.Family}, {pictures} of {forecast.Size.Width}x{forecast.Size.Height}, {forecast.ModelCalls} steps each");
        page.WriteLine(forecast.Reason);
        var phases = new Table { Border = TableBorder.Simple };
        phases.AddColumns("phase", "memory at most", "weights", "activations", "read from files", "time");
        foreach (var phase in forecast.Phases)
            phases.AddRow(Word(phase.Phase), Gigabytes(phase.PeakBytes), Gigabytes(phase.WeightBytes), Gigabytes(phase.ActivationBytes), Gigabytes(phase.ReadBytes), Duration(SecondsOf(phase.Phase, time)));
        page.Write(phases);
        page.WriteLine($"In all about {Duration(time.TotalSeconds)} at {time.PeakGflops.ToString("0", CultureInfo.InvariantCulture)} GFLOP/s of {time.Threads} threads, and the time to load; a step, a decode and what they read are those of one picture.");
        if (forecast.PeakBytes > forecast.FreeBytes) page.WriteLine($"That is more memory than the {Gigabytes(forecast.FreeBytes)} that are free: choose a smaller mode, --tiled or a smaller size.");
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("--memory", "memory at most", "weights", "read per step");
        foreach (var mode in modes) table.AddRow($"{Word(mode.Mode)}{(mode.Mode == forecast.Mode ? " (this plan)" : "")}", Gigabytes(mode.PeakBytes), Gigabytes(mode.WeightBytes), Gigabytes(mode.ReadBytesPerStep));
        page.Write(table);
    }

    private static double SecondsOf(GenerationPhase phase, TimeForecast time) => phase switch
    {
        GenerationPhase.Encode => time.EncodeSeconds,
        GenerationPhase.Step => time.StepSeconds,
        GenerationPhase.Decode => time.DecodeSeconds,
        _ => 0,
    };

    private static string Word<T>(T value) => value!.ToString()!.ToLowerInvariant();

    private static string Gigabytes(long bytes) => (bytes / 1e9).ToString("0.00", CultureInfo.InvariantCulture) + " GB";

    private static string Duration(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{(seconds == 0 ? "" : seconds < 1 ? $"{seconds:0.00} s" : seconds < 120 ? $"{seconds:0.0} s" : seconds < 7200 ? $"{seconds / 60:0} min" : $"{seconds / 3600:0.0} h")}");
}
