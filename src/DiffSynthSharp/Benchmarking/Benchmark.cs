using System.Diagnostics;
using DiffSynthSharp.Families;
using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Generation;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Benchmarking;

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
        using var scope = NewDisposeScope();
        var job = Prepare(options, family);
        say("Denoising …");
        var steps = Denoise(options, job, cancellation);
        say("Decoding …");
        var decode = Decode(options, job, cancellation);
        return Result(options, job, steps, decode, peak) with
        {
            LoadSeconds = loadSeconds,
            ForetoldBytes = forecast?.PeakBytes ?? 0,
            ForetoldStepBytes = forecast?.Of(GenerationPhase.Step).PeakBytes ?? 0,
        };
    }

    // The latents of one picture and how they are worked on.
    private sealed record Job(LoadedFamily Family, PassPlan Pass, TileSettings? Tiles, double Guidance, Tensor Latents);

    private sealed record Steps(Timing Best, ResidentMemory Memory, long ReadBytes, double WaitShare);

    private static Job Prepare(BenchmarkOptions options, LoadedFamily family)
    {
        var tiles = options.Tiles?.For(family.DefaultTile);
        var pass = RequestCheck.Passes(new() { Width = options.Size?.Width, Height = options.Size?.Height, Tiles = tiles }, family)[0];
        var latents = randn(1, family.Latents.Channels, pass.Height / family.Latents.Reduction, pass.Width / family.Latents.Reduction);
        return new(family, pass, tiles, options.Guidance ?? family.DefaultGuidance, latents);
    }

    private static Steps Denoise(BenchmarkOptions options, Job job, CancellationToken cancellation)
    {
        var family = job.Family;
        var guided = new GuidedPrediction(family, Inputs(job));
        Tensor Step() => guided.Predict(job.Latents, 500, 0);
        family.Begin(ModelPhase.Denoise);
        if (options.WarmsUpFirst) Timing.Best(1, null, Step, cancellation);
        var before = family.DiskUse;
        using var memory = new ResidentMemory();
        var clock = Stopwatch.StartNew();
        var best = Timing.Best(options.Steps, options.StopAfter, Step, cancellation);
        var (seconds, use) = (clock.Elapsed.TotalSeconds, family.DiskUse);
        return new(best, memory, (use.BytesRead - before.BytesRead) / options.Steps, (use.Waited - before.Waited).TotalSeconds / seconds);
    }

    private static Timing Decode(BenchmarkOptions options, Job job, CancellationToken cancellation)
    {
        job.Family.Begin(ModelPhase.Decode);
        return Timing.Best(options.WarmsUpFirst ? 2 : 1, options.StopAfter, () => job.Family.DecodeLatents(job.Latents, Grid(job.Tiles) ?? job.Family.AutoencoderTiles((job.Pass.Width, job.Pass.Height))), cancellation);
    }

    private static BenchmarkResult Result(BenchmarkOptions options, Job job, Steps steps, Timing decode, PeakRate peak)
    {
        var (step, memory) = (steps.Best, steps.Memory);
        return new(options.Model ?? $"random {options.Random}", job.Pass.Width, job.Pass.Height, get_num_threads(), 0, job.Guidance, step.Taken.Seconds, step.Gflops,
            decode.Taken.Seconds, decode.Gflops, peak.ByClock, Process.GetCurrentProcess().PeakWorkingSet64,
            memory.PeakOwn, memory.PeakFiles, memory.PeakTogether, steps.ReadBytes, steps.WaitShare)
        {
            StepIsWhole = step.IsWhole,
            StepProcessorSeconds = step.Taken.ProcessorSeconds,
            StepProcessorGflops = step.ProcessorGflops,
            DecodeIsWhole = decode.IsWhole,
            DecodeProcessorSeconds = decode.Taken.ProcessorSeconds,
            DecodeProcessorGflops = decode.ProcessorGflops,
            PeakProcessorGflops = peak.ByProcessor,
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
        if (options is { Random: not null, Model: null } && options.Loading with { Threads = null } != new LoadOptions())
            throw new DiffSynthException("Random weights come from no file and stay in this machine's memory, converted: of the options that say how a model is loaded only --threads fits them.");
        if (options.StopAfter is { } seconds && !(seconds >= LeastSeconds && seconds <= MostSeconds))
            throw new DiffSynthException(FormattableString.Invariant($"Stopping after {seconds} seconds doesn't fit: expected {LeastSeconds} … {MostSeconds}."));
    }

    private static GuidanceInputs Inputs(Job job)
    {
        var (family, tiles) = (job.Family, job.Tiles);
        var tiled = job.Pass.Tiled(tiles, family.TilesBlocks);
        return new()
        {
            Positive = PromptContexts.Of(family.Blank()),
            Negative = job.Guidance > 1 ? PromptContexts.Of(family.Blank()) : null,
            Scale = Math.Max(1, job.Guidance),
            Network = new() { Tiles = tiled == TiledNetwork.Blocks ? Grid(tiles) : null },
            StepTiles = tiled == TiledNetwork.Steps ? Grid(tiles) : null,
        };
    }

    private static TileGrid? Grid(TileSettings? tiles) => tiles is null ? null : new TileGrid(tiles.Tile, tiles.Stride);

    private static LoadedFamily Load(BenchmarkOptions options, CancellationToken cancellation) => (options.Model, options.Random) switch
    {
        ({ } path, null) => DiffusionModel.LoadFamily(path, options.Loading, null, cancellation, isMeasured: true).Family,
        (null, "sd15") => RandomStableDiffusion.Create(),
        (null, { } name) => throw new DiffSynthException($"There is no architecture '{name}' to fill with random weights. Known: sd15; first written to a file: {string.Join(", ", RandomCheckpoint.Names)}."),
        _ => throw new DiffSynthException("Name a model, or an architecture for random weights, not both."),
    };
}
