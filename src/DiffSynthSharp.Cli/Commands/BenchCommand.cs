using System.CommandLine;
using DiffSynthSharp.Benchmarking;
using DiffSynthSharp.Cli.Output;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth bench</c>: how fast a model runs here.</summary>
internal sealed class BenchCommand
{
    private const int StepsOfPictures = 10;

    private readonly Option<string?> _model = Values.Text("--model", "PATH", "A checkpoint or a model folder. Default: the starter model.", "-m");
    private readonly Option<string?> _random = Values.Text("--random", "NAME", $"A full-size architecture filled with random weights instead: sd15. With --write: {string.Join(", ", RandomCheckpoint.Names)}.");
    private readonly Option<string?> _write = Values.Text("--write", "FILE", "With --random: writes the published .safetensors file of that name with random weights, and measures nothing.");
    private readonly Option<string?> _type = Values.Text("--type", "TYPE", $"With --write: {string.Join(", ", RandomCheckpoint.Types)}. Default: bf16.");
    private readonly Option<(int Width, int Height)?> _size = Values.Size("--size", "Picture size. Default: the model's own.");
    private readonly Option<int?> _steps = Values.Whole("--steps", "N", "Measured steps, after one that warms up. Default: 2.");
    private readonly Option<bool> _cold = Values.Flag("--no-warm-up", "Measures the first step and the first decode.");
    private readonly Option<double?> _guidance = Values.Number("--guidance", "X", "Guidance of the steps; above 1 a step is two calls of the network. Default: the model's.");

    private readonly Option<double?> _stop = Values.Number("--stop-after", "SECONDS",
        "Ends denoising and decoding each after this time, without a warm-up: memory and rate of a large picture without waiting for all of it.");

    private readonly Option<int?> _pictures = Values.Whole("--pictures", "N",
        "Makes N pictures of several sizes and kinds instead, with cancelled and refused jobs between them, and shows whether memory, handles and time stay flat. --steps are a picture's then, 10 unless said.");

    private readonly TileOptions _tiles = new();
    private readonly LoadingOptions _loading = new();
    private readonly Option<bool> _json = Values.Flag("--json", "Print one JSON object.");

    public static Command Create(Terminal terminal)
    {
        var options = new BenchCommand();
        var command = new CommandWithExamples(
            "bench", "Measure seconds per step (with guidance), decoding, GFLOP/s against this machine's peak, and peak memory.",
            "diffsynth bench", "diffsynth bench --random sd15 --size 512x512 --json", "diffsynth bench --random flux-dev --write flux-random.safetensors --type fp8",
            "diffsynth bench --model flux-random.safetensors --memory low --memory-budget 3 --size 512x512 --steps 1 --no-warm-up",
            "diffsynth bench --random sd15 --size 4096x4096 --tiled --guidance 1 --stop-after 120", "diffsynth bench --pictures 100")
        {
            options._model, options._random, options._write, options._type, options._size, options._steps, options._cold, options._guidance, options._stop, options._pictures, options._json,
        };
        foreach (var option in options._tiles.All.Concat(options._loading.All)) command.Options.Add(option);
        command.SetAction((parsed, cancellation) =>
        {
            options.Run(terminal, parsed, cancellation);
            return Task.FromResult(0);
        });
        return command;
    }

    private void Run(Terminal terminal, ParseResult parsed, CancellationToken cancellation)
    {
        var json = parsed.GetValue(_json);
        if (parsed.GetValue(_write) is { } file) WriteFile(terminal, parsed, file, cancellation);
        else if (parsed.GetResult(_type) is not null) throw new DiffSynthException("--type is how --write stores weights: name the file with --write.");
        else if (parsed.GetValue(_pictures) is { } count) EnduranceReport.Write(terminal, Endurance.Run(ManyPictures(parsed, count), terminal.Error.WriteLine, cancellation), json);
        else BenchReport.Write(terminal, Benchmark.Run(Measurement(terminal, parsed), terminal.Error.WriteLine, cancellation), json);
    }

    private void WriteFile(Terminal terminal, ParseResult parsed, string file, CancellationToken cancellation)
    {
        Refuse(parsed, "--write measures nothing", [_model, _size, _steps, _cold, _guidance, _stop, _pictures, _json, .. _tiles.All, .. _loading.All]);
        var name = parsed.GetValue(_random) ?? throw new DiffSynthException($"--write needs an architecture: name it with --random. Known: {string.Join(", ", RandomCheckpoint.Names)}.");
        new ProgressDisplay(terminal, isQuiet: false).Run(progress =>
        {
            RandomCheckpoint.Write(name, file, parsed.GetValue(_type) ?? "bf16", progress, cancellation);
            return file;
        });
        terminal.Out.WriteLine(file);
    }

    private static void Refuse(ParseResult parsed, string why, IEnumerable<Option> unread)
    {
        if (unread.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } other) throw new DiffSynthException($"{why}; {other.Name} has no meaning there.");
    }

    private EnduranceOptions ManyPictures(ParseResult parsed, int count)
    {
        Refuse(parsed, "--pictures makes whole pictures with a model that reads prompts", [_random, _stop, _guidance, _cold, .. _tiles.All]);
        return new()
        {
            Model = StarterModel.Or(parsed.GetValue(_model)),
            Pictures = count,
            Size = parsed.GetValue(_size),
            Steps = parsed.GetValue(_steps) ?? StepsOfPictures,
            Loading = _loading.Of(parsed),
        };
    }

    private BenchmarkOptions Measurement(Terminal terminal, ParseResult parsed) => new()
    {
        Model = parsed.GetValue(_random) is null ? StarterModel.Or(parsed.GetValue(_model)) : parsed.GetValue(_model),
        Random = parsed.GetValue(_random),
        Size = parsed.GetValue(_size),
        Steps = parsed.GetValue(_steps) ?? 2,
        WarmsUp = !parsed.GetValue(_cold),
        Guidance = parsed.GetValue(_guidance),
        Tiles = _tiles.Apply(parsed, new(), terminal.Error.WriteLine).Tiles,
        StopAfter = parsed.GetValue(_stop),
        Loading = _loading.Of(parsed),
    };
}
