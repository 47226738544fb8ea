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

    /// <summary>Measured steps.</summary>
    public int Steps { get; init; } = 2;

    /// <summary>Whether a step and a decode come first that aren't measured.</summary>
    public bool WarmsUp { get; init; } = true;

    /// <summary>Classifier-free guidance scale; above 1 a step is two calls of the network. Null: the model's default.</summary>
    public double? Guidance { get; init; }

    /// <summary>Works in tiles; null runs everything whole.</summary>
    public TileSettings? Tiles { get; init; }

    /// <summary>
    /// Ends denoising, and then decoding, after so many seconds even if no step is done, and leaves the warm-up out: a part's memory and rate tell those of the whole. Null waits.
    /// </summary>
    public double? StopAfter { get; init; }

    /// <summary>How the model is loaded.</summary>
    public LoadOptions Loading { get; init; } = new();
}

/// <summary>What was measured. Rates are of the textbook algorithm's operations.</summary>
/// <param name="Model">What ran.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Threads">libtorch's threads.</param>
/// <param name="LoadSeconds">Weights on hand.</param>
/// <param name="Guidance">Classifier-free guidance scale of the steps.</param>
/// <param name="StepSeconds">One denoising step, the best of those measured.</param>
/// <param name="StepGflops">GFLOP/s of a step.</param>
/// <param name="DecodeSeconds">Latents to picture.</param>
/// <param name="DecodeGflops">GFLOP/s of the decoder.</param>
/// <param name="PeakGflops">This machine's measured multiply-add peak, in GFLOP/s, over the same number of threads.</param>
/// <param name="PeakRssBytes">Most memory the process held.</param>
/// <param name="OwnBytes">Most memory of the process's own while steps were made; 0 where the system doesn't tell.</param>
/// <param name="FileBytes">Most pages of files, which the system may drop, while steps were made.</param>
/// <param name="StepRssBytes">Most of both at one time.</param>
/// <param name="ReadBytesPerStep">Weights that a step reads from the file.</param>
/// <param name="WaitShare">Share of a step in which layers wait for weights to be read.</param>
public sealed record BenchmarkResult(
    string Model, int Width, int Height, int Threads, double LoadSeconds, double Guidance, double StepSeconds, double StepGflops, double DecodeSeconds, double DecodeGflops, double PeakGflops, long PeakRssBytes,
    long OwnBytes, long FileBytes, long StepRssBytes, long ReadBytesPerStep, double WaitShare)
{
    /// <summary>What was foretold of <see cref="PeakRssBytes"/>; 0 where there is no file to foretell from.</summary>
    public long ForetoldBytes { get; init; }

    /// <summary>What was foretold of <see cref="StepRssBytes"/>.</summary>
    public long ForetoldStepBytes { get; init; }

    /// <summary>Most bytes of tensors that were alive at once, weights that lie in the file not counted; 0 where the allocator isn't this project's.</summary>
    public long PeakTensorBytes { get; init; }

    /// <summary>False where a step was stopped before its end: its seconds are those until then.</summary>
    public bool StepIsWhole { get; init; } = true;

    /// <summary>False where decoding was stopped before its end.</summary>
    public bool DecodeIsWhole { get; init; } = true;
}

/// <summary>Measures a model on this machine.</summary>
public static class Benchmark
{
    private const int MostSteps = 1000;
    private const double LeastSeconds = 0.01, MostSeconds = 86400;

    /// <summary>Loads, runs a few guided steps and a decode.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="say">Takes a line of progress.</param>
    /// <param name="cancellation">Stops at the next block.</param>
    /// <exception cref="DiffSynthException">The model can't be loaded, the name or size doesn't fit.</exception>
    public static BenchmarkResult Run(BenchmarkOptions options, Action<string> say, CancellationToken cancellation = default)
    {
        TorchRuntime.EnsureLoaded();
        Check(options);
        ThreadCount.Use(options.Loading.Threads);
        say("Measuring the machine's peak …");
        var peak = PeakRate.Measure(get_num_threads());
        var forecast = options.Model is null ? null : Forecast(options, options.Model);
        CachingAllocator.ResetPeak();
        var clock = Stopwatch.StartNew();
        say("Loading …");
        using var family = Load(options, cancellation);
        var loadSeconds = clock.Elapsed.TotalSeconds;
        using var inference = inference_mode(true);
        var tiles = options.Tiles?.For(family.DefaultTile);
        var pass = RequestCheck.Passes(new() { Width = options.Size?.Width, Height = options.Size?.Height, Tiles = tiles }, family)[0];
        using var scope = NewDisposeScope();
        var latents = randn(1, family.Latents.Channels, pass.Height / family.Latents.Reduction, pass.Width / family.Latents.Reduction);
        var guidance = options.Guidance ?? family.DefaultGuidance;
        var guided = new GuidedPrediction(family, Inputs(family, pass, tiles, guidance));
        var warmUps = options.WarmsUp && options.StopAfter is null ? 1 : 0;
        say("Denoising …");
        family.Begin(ModelPhase.Denoise);
        Best(warmUps, null, cancellation, () => guided.Predict(latents, 500, 0));
        var before = family.DiskUse;
        using var memory = new ResidentMemory();
        var stepClock = Stopwatch.StartNew();
        var step = Best(options.Steps, options.StopAfter, cancellation, () => guided.Predict(latents, 500, 0));
        var (allSteps, use) = (stepClock.Elapsed.TotalSeconds, family.DiskUse);
        memory.Dispose();
        say("Decoding …");
        family.Begin(ModelPhase.Decode);
        var decode = Best(1 + warmUps, options.StopAfter, cancellation, () => family.DecodeLatents(latents, Grid(tiles)));
        return new(options.Model ?? $"random {options.Random}", pass.Width, pass.Height, get_num_threads(), loadSeconds, guidance, step.Seconds, step.Gflops,
            decode.Seconds, decode.Gflops, peak, Process.GetCurrentProcess().PeakWorkingSet64,
            memory.PeakOwn, memory.PeakFiles, memory.PeakTogether, (use.BytesRead - before.BytesRead) / options.Steps, (use.Waited - before.Waited).TotalSeconds / allSteps)
        {
            StepIsWhole = step.IsWhole,
            DecodeIsWhole = decode.IsWhole,
            ForetoldBytes = forecast?.PeakBytes ?? 0,
            ForetoldStepBytes = forecast?.Of(GenerationPhase.Step).PeakBytes ?? 0,
            PeakTensorBytes = CachingAllocator.PeakBytes,
        };
    }

    private static MemoryForecast Forecast(BenchmarkOptions options, string path)
    {
        using var files = ModelFiles.Open(path, options.Loading);
        var family = FamilyCatalogue.Choose(files);
        return MemoryForecast.Of(files, family, new() { Size = options.Size, Guidance = options.Guidance }, options.Loading, isMeasured: true);
    }

    private static void Check(BenchmarkOptions options)
    {
        if (options.Steps is < 1 or > MostSteps) throw new DiffSynthException($"{options.Steps} steps don't fit: expected 1 … {MostSteps}.");
        if (options.StopAfter is { } seconds && !(seconds >= LeastSeconds && seconds <= MostSeconds))
            throw new DiffSynthException(FormattableString.Invariant($"Stopping after {seconds} seconds doesn't fit: expected {LeastSeconds} … {MostSeconds}."));
    }

    private static GuidanceInputs Inputs(LoadedFamily family, PassPlan pass, TileSettings? tiles, double guidance)
    {
        var tiled = pass.Tiled(tiles, family.TilesBlocks);
        return new()
        {
            Positive = PromptContexts.Of(family.Blank()),
            Negative = guidance > 1 ? PromptContexts.Of(family.Blank()) : null,
            Scale = Math.Max(1, guidance),
            Network = new() { Tiles = tiled == TiledNetwork.Blocks ? Grid(tiles) : null },
            StepTiles = tiled == TiledNetwork.Steps ? Grid(tiles) : null,
        };
    }

    private static TileGrid? Grid(TileSettings? tiles) => tiles is null ? null : new TileGrid(tiles.Tile, tiles.Stride);

    private static LoadedFamily Load(BenchmarkOptions options, CancellationToken cancellation) => (options.Model, options.Random) switch
    {
        ({ } path, null) => DiffusionModel.LoadFamily(path, options.Loading, null, cancellation, isMeasured: true).Family,
        (null, "sd15") => RandomStableDiffusion.Create(),
        (null, { } name) => throw new DiffSynthException($"There is no architecture '{name}' to fill with random weights. Known: sd15."),
        _ => throw new DiffSynthException("Name a model, or an architecture for random weights, not both."),
    };

    // The fastest of several runs, or what was done of one until it was stopped.
    private readonly record struct Timing(double Seconds, long Operations, bool IsWhole)
    {
        public double Gflops => Operations / Seconds / 1e9;
    }

    private static Timing Best(int times, double? stopAfter, CancellationToken cancellation, Func<Tensor> work)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (stopAfter is { } seconds) limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        using var stop = BlockBorder.StopWith(limit.Token);
        var best = new Timing(double.MaxValue, 0, true);
        for (var i = 0; i < times; i++)
        {
            var timing = Run(work, cancellation);
            if (i == 0 || timing.IsWhole && timing.Seconds < best.Seconds) best = timing;
            if (!timing.IsWhole) break;
        }
        return best;
    }

    private static Timing Run(Func<Tensor> work, CancellationToken cancellation)
    {
        var (before, isWhole) = (OperationCount.Total, true);
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope(); // takes what a stopped run leaves
        try
        {
            work();
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            isWhole = false;
        }
        return new(clock.Elapsed.TotalSeconds, OperationCount.Total - before, isWhole);
    }
}
