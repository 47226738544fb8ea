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
        var random = Values.Text("--random", "NAME", "A full-size architecture filled with random weights instead: sd15.");
        var size = Values.Size("--size", "Picture size. Default: the model's own.");
        var steps = Values.Whole("--steps", "N", "Measured steps, after one that warms up. Default: 2.");
        var threads = Values.Whole("--threads", "N", "Threads. Default: one for each core.");
        var json = Values.Flag("--json", "Print one JSON object.");
        var command = new CommandWithExamples(
            "bench", "Measure seconds per step (with guidance), decoding, GFLOP/s against this machine's peak, and peak memory.",
            "diffsynth bench", "diffsynth bench --random sd15 --size 512x512 --json")
        {
            model, random, size, steps, threads, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var options = new BenchmarkOptions
            {
                Model = parsed.GetValue(random) is null ? StarterModel.Or(parsed.GetValue(model)) : parsed.GetValue(model),
                Random = parsed.GetValue(random),
                Size = parsed.GetValue(size),
                Steps = parsed.GetValue(steps) ?? 2,
                Threads = parsed.GetValue(threads),
            };
            var result = Benchmark.Run(options, terminal.Error.WriteLine, cancellation);
            if (parsed.GetValue(json)) JsonLines.Write(terminal.Out, result);
            else WriteLines(terminal.Out, result);
            return Task.FromResult(0);
        });
        return command;
    }

    private static void WriteLines(TextWriter output, BenchmarkResult result)
    {
        void Line(string name, FormattableString value) => output.WriteLine($"{name,-10}{value.ToString(CultureInfo.InvariantCulture)}");
        Line("model", $"{result.Model}, {result.Width}x{result.Height}, {result.Threads} threads");
        Line("load", $"{result.LoadSeconds:0.00} s");
        Line("step", $"{result.StepSeconds:0.000} s, {result.StepGflops:0.0} GFLOP/s, {100 * result.StepGflops / result.PeakGflops:0} % of peak");
        Line("decode", $"{result.DecodeSeconds:0.000} s, {result.DecodeGflops:0.0} GFLOP/s, {100 * result.DecodeGflops / result.PeakGflops:0} % of peak");
        Line("peak", $"{result.PeakGflops:0.0} GFLOP/s (measured multiply-adds)");
        Line("memory", $"{result.PeakRssBytes / (1024.0 * 1024):0} MiB at most");
    }
}
