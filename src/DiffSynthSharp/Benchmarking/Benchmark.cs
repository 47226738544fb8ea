using System.Diagnostics;
using DiffSynthSharp.Families;
using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Generation;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Benchmarking;

/// <summary>What to measure.</summary>
public sealed record BenchmarkOptions
{
    /// <summary>A checkpoint or folder; null with <see cref="Random"/>.</summary>
    public string? Model { get; init; }

    /// <summary>A full-size architecture with random weights: "sd15".</summary>
    public string? Random { get; init; }

    /// <summary>Pixels; null takes the model's own.</summary>
    public (int Width, int Height)? Size { get; init; }

    /// <summary>Measured steps, after one that warms up.</summary>
    public int Steps { get; init; } = 2;

    /// <summary>libtorch's threads; null leaves them.</summary>
    public int? Threads { get; init; }
}

/// <summary>What was measured. Rates are of the textbook algorithm's operations.</summary>
/// <param name="Model">What ran.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Threads">libtorch's threads.</param>
/// <param name="LoadSeconds">Weights on hand.</param>
/// <param name="StepSeconds">One denoising step with classifier-free guidance, the best of those measured.</param>
/// <param name="StepGflops">GFLOP/s of a step.</param>
/// <param name="DecodeSeconds">Latents to picture.</param>
/// <param name="DecodeGflops">GFLOP/s of the decoder.</param>
/// <param name="PeakGflops">This machine's measured multiply-add peak, in GFLOP/s, over the same number of threads.</param>
/// <param name="PeakRssBytes">Most memory the process held.</param>
public sealed record BenchmarkResult(
    string Model, int Width, int Height, int Threads, double LoadSeconds, double StepSeconds, double StepGflops, double DecodeSeconds, double DecodeGflops, double PeakGflops, long PeakRssBytes);

/// <summary>Measures a model on this machine.</summary>
public static class Benchmark
{
    private const int MostSteps = 1000;

    /// <summary>Loads, runs a few guided steps and a decode.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="say">Takes a line of progress.</param>
    /// <param name="cancellation">Stops at the next block.</param>
    /// <exception cref="DiffSynthException">The model can't be loaded, the name or size doesn't fit.</exception>
    public static BenchmarkResult Run(BenchmarkOptions options, Action<string> say, CancellationToken cancellation = default)
    {
        TorchRuntime.EnsureLoaded();
        if (options.Steps is < 1 or > MostSteps) throw new DiffSynthException($"{options.Steps} steps don't fit: expected 1 … {MostSteps}.");
        ThreadCount.Use(options.Threads);
        say("Measuring the machine's peak …");
        var peak = PeakRate.Measure(get_num_threads());
        var clock = Stopwatch.StartNew();
        say("Loading …");
        using var family = Load(options, cancellation);
        var loadSeconds = clock.Elapsed.TotalSeconds;
        using var inference = inference_mode(true);
        using var stop = BlockBorder.StopWith(cancellation);
        var (width, height) = RequestCheck.Size(new() { Prompt = "", Width = options.Size?.Width, Height = options.Size?.Height }, family);
        using var scope = NewDisposeScope();
        var latents = randn(1, family.Latents.Channels, height / family.Latents.Reduction, width / family.Latents.Reduction);
        var guided = new GuidedPrediction(family, new() { Positive = PromptContexts.Of(family.Blank()), Negative = PromptContexts.Of(family.Blank()), Scale = 7.5 });
        say("Denoising …");
        var (stepSeconds, stepOperations) = Best(options.Steps + 1, () => guided.Predict(latents, 500, 0));
        say("Decoding …");
        var (decodeSeconds, decodeOperations) = Best(2, () => family.DecodeLatents(latents));
        return new(options.Model ?? $"random {options.Random}", width, height, get_num_threads(), loadSeconds, stepSeconds, stepOperations / stepSeconds / 1e9,
            decodeSeconds, decodeOperations / decodeSeconds / 1e9, peak, Process.GetCurrentProcess().PeakWorkingSet64);
    }

    private static LoadedFamily Load(BenchmarkOptions options, CancellationToken cancellation) => (options.Model, options.Random) switch
    {
        ({ } path, null) => DiffusionModel.LoadFamily(path, new(), null, cancellation).Family,
        (null, "sd15") => RandomStableDiffusion.Create(),
        (null, { } name) => throw new DiffSynthException($"There is no architecture '{name}' to fill with random weights. Known: sd15."),
        _ => throw new DiffSynthException("Name a model, or an architecture for random weights, not both."),
    };

    private static (double Seconds, long Operations) Best(int times, Func<Tensor> work)
    {
        var (best, operations) = (double.MaxValue, 0L);
        for (var i = 0; i < times; i++)
        {
            var before = OperationCount.Total;
            var clock = Stopwatch.StartNew();
            using (work()) best = Math.Min(best, clock.Elapsed.TotalSeconds);
            operations = OperationCount.Total - before;
        }
        return (best, operations);
    }
}
