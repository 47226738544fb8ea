using System.CommandLine;
using System.Globalization;
using DiffSynthSharp.Benchmarking;
using DiffSynthSharp.Cli.Output;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth bench</c>: how fast a model runs here.</summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        var model = Values.Text("--model", "PATH", "A checkpoint or a model folder. Default: the starter model.", "-m");
        var random = Values.Text("--random", "NAME", $"A full-size architecture filled with random weights instead: sd15; with --write also {string.Join(", ", RandomCheckpoint.Names)}.");
        var write = Values.Text("--write", "FILE", "With --random: writes the denoising network as a .safetensors file of random weights, and measures nothing.");
        var type = Values.Text("--type", "TYPE", $"With --write: {string.Join(", ", RandomCheckpoint.Types)}. Default: bf16.");
        var size = Values.Size("--size", "Picture size. Default: the model's own.");
        var steps = Values.Whole("--steps", "N", "Measured steps, after one that warms up. Default: 2.");
        var cold = Values.Flag("--no-warm-up", "Measures the first step and the first decode.");
        var guidance = Values.Number("--guidance", "X", "Guidance of the steps; above 1 a step is two calls of the network. Default: the model's.");
        var stop = Values.Number("--stop-after", "SECONDS", "Ends denoising and decoding each after this time, without a warm-up: memory and rate of a large picture without waiting for all of it.");
        var pictures = Values.Whole("--pictures", "N",
            "Makes N pictures of several sizes and kinds instead, with cancelled and refused jobs between them, and shows whether memory, handles and time stay flat. --steps are a picture's then, 10 unless said.");
        var tiles = new TileOptions();
        var loading = new LoadingOptions();
        var json = Values.Flag("--json", "Print one JSON object.");
        var command = new CommandWithExamples(
            "bench", "Measure seconds per step (with guidance), decoding, GFLOP/s against this machine's peak, and peak memory.",
            "diffsynth bench", "diffsynth bench --random sd15 --size 512x512 --json", "diffsynth bench --random flux-dev --write flux-random.safetensors --type fp8",
            "diffsynth bench --model flux-random.safetensors --memory low --memory-budget 3 --size 512x512 --steps 1 --no-warm-up",
            "diffsynth bench --random sd15 --size 4096x4096 --tiled --guidance 1 --stop-after 120", "diffsynth bench --pictures 100")
        {
            model, random, write, type, size, steps, cold, guidance, stop, pictures, json,
        };
        foreach (var option in tiles.All.Concat(loading.All)) command.Options.Add(option);
        command.SetAction((parsed, cancellation) =>
        {
            if (parsed.GetValue(write) is { } file)
            {
                Refuse(parsed, "--write measures nothing", [model, size, steps, cold, guidance, stop, pictures, json, .. tiles.All, .. loading.All]);
                var name = parsed.GetValue(random) ?? throw new DiffSynthException($"--write needs an architecture: name it with --random. Known: {string.Join(", ", RandomCheckpoint.Names)}.");
                new ProgressDisplay(terminal, isQuiet: false).Run(progress =>
                {
                    RandomCheckpoint.Write(name, file, parsed.GetValue(type) ?? "bf16", progress, cancellation);
                    return file;
                });
                terminal.Out.WriteLine(file);
                return Task.FromResult(0);
            }
            if (parsed.GetResult(type) is { Implicit: false }) throw new DiffSynthException("--type is how --write stores weights: name the file with --write.");
            if (parsed.GetValue(pictures) is { } count)
            {
                Refuse(parsed, "--pictures makes whole pictures with a model that reads prompts", [random, stop, guidance, cold, .. tiles.All]);
                var run = new EnduranceOptions { Model = StarterModel.Or(parsed.GetValue(model)), Pictures = count, Size = parsed.GetValue(size), Steps = parsed.GetValue(steps) ?? 10, Loading = loading.Of(parsed) };
                EnduranceReport.Write(terminal, Endurance.Run(run, terminal.Error.WriteLine, cancellation), parsed.GetValue(json));
                return Task.FromResult(0);
            }
            var options = new BenchmarkOptions
            {
                Model = parsed.GetValue(random) is null ? StarterModel.Or(parsed.GetValue(model)) : parsed.GetValue(model),
                Random = parsed.GetValue(random),
                Size = parsed.GetValue(size),
                Steps = parsed.GetValue(steps) ?? 2,
                WarmsUp = !parsed.GetValue(cold),
                Guidance = parsed.GetValue(guidance),
                Tiles = tiles.Apply(parsed, new(), terminal.Error.WriteLine).Tiles,
                StopAfter = parsed.GetValue(stop),
                Loading = loading.Of(parsed),
            };
            var result = Benchmark.Run(options, terminal.Error.WriteLine, cancellation);
            if (parsed.GetValue(json)) JsonLines.Write(terminal.Out, result);
            else WriteLines(terminal.Out, result);
            return Task.FromResult(0);
        });
        return command;
    }

    private static void Refuse(ParseResult parsed, string why, IEnumerable<Option> unread)
    {
        if (unread.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } other) throw new DiffSynthException($"{why}; {other.Name} has no meaning there.");
    }

    private static void WriteLines(TextWriter output, BenchmarkResult result)
    {
        void Line(string name, FormattableString value) => output.WriteLine($"{name,-10}{value.ToString(CultureInfo.InvariantCulture)}");
        Line("model", $"{result.Model}, {result.Width}x{result.Height}, {result.Threads} threads");
        Line("load", $"{result.LoadSeconds:0.00} s");
        Line("step", $"{(result.Guidance > 1 ? "guided, " : "")}{result.StepSeconds:0.000} s{Part(result.StepIsWhole)}, {result.StepGflops:0.0} GFLOP/s, {100 * result.StepGflops / result.PeakGflops:0} % of peak");
        Line("decode", $"{result.DecodeSeconds:0.000} s{Part(result.DecodeIsWhole)}, {result.DecodeGflops:0.0} GFLOP/s, {100 * result.DecodeGflops / result.PeakGflops:0} % of peak");
        Line("peak", $"{result.PeakGflops:0.0} GFLOP/s (measured multiply-adds)");
        Line("memory", $"{result.PeakRssBytes / (1024.0 * 1024):0} MiB at most; in steps {result.StepRssBytes / 1e9:0.00} GB, of which {result.OwnBytes / 1e9:0.00} GB own and {result.FileBytes / 1e9:0.00} GB file pages that the system may drop (most of each)");
        if (result.ForetoldBytes > 0) Line("foretold", $"{result.ForetoldBytes / (1024.0 * 1024):0} MiB at most; in steps {result.ForetoldStepBytes / 1e9:0.00} GB (see diffsynth plan)");
        if (result.ReadBytesPerStep > 0) Line("disk", $"{result.ReadBytesPerStep / 1e9:0.00} GB read per step, {100 * result.WaitShare:0.0} % of the time waiting for it");
    }

    private static string Part(bool isWhole) => isWhole ? "" : " of a part";
}
