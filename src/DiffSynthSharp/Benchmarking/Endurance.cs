using System.Diagnostics;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Benchmarking;

/// <summary>A long run of many pictures.</summary>
public sealed record EnduranceOptions
{
    /// <summary>A checkpoint or folder.</summary>
    public required string Model { get; init; }

    /// <summary>Pictures that are finished; cancelled and refused jobs come between them.</summary>
    public int Pictures { get; init; } = 100;

    /// <summary>Sides of the first picture; others are smaller and larger. Null takes the model's own.</summary>
    public (int Width, int Height)? Size { get; init; }

    /// <summary>Denoising steps of a picture.</summary>
    public int Steps { get; init; } = 10;

    /// <summary>How the model is loaded.</summary>
    public LoadOptions Loading { get; init; } = new();
}

/// <summary>What the process held after so many pictures.</summary>
/// <param name="Pictures">Pictures made.</param>
/// <param name="RssBytes">Resident memory.</param>
/// <param name="Tensors">Live tensors.</param>
/// <param name="Handles">Open file descriptors or handles.</param>
/// <param name="CachedBytes">What the allocator keeps for tensors to come.</param>
/// <param name="SecondsPerPicture">Mean over the finished pictures since the sample before.</param>
public sealed record EnduranceSample(int Pictures, long RssBytes, long Tensors, int Handles, long CachedBytes, double SecondsPerPicture);

/// <summary>What a long run showed.</summary>
/// <param name="Model">What ran.</param>
/// <param name="Threads">libtorch's threads.</param>
/// <param name="Cancelled">Jobs that were cancelled at times spread over a picture.</param>
/// <param name="Refused">Jobs that were refused for a mistake.</param>
/// <param name="Samples">Early, half way and at the end.</param>
/// <param name="MedianCancelSeconds">From the cancellation until the call had returned.</param>
/// <param name="LongestCancelSeconds">The same, at most.</param>
/// <param name="LongestBlockSeconds">Between two places where a picture can stop, at most.</param>
/// <param name="LongestLoadBlockSeconds">The same while loading.</param>
public sealed record EnduranceResult(
    string Model, int Threads, int Cancelled, int Refused, IReadOnlyList<EnduranceSample> Samples,
    double MedianCancelSeconds, double LongestCancelSeconds, double LongestBlockSeconds, double LongestLoadBlockSeconds);

/// <summary>Makes many pictures in one process and watches whether memory, handles and time stay flat.</summary>
public static class Endurance
{
    private const int MostPictures = 100_000;
    private const int EarlySample = 10, PicturesPerCancel = 3, PicturesPerError = 5;

    // Multiples of the golden ratio fall evenly between 0 and 1, however many there are.
    private const double GoldenShare = 0.6180339887498949;

    /// <summary>Runs.</summary>
    /// <param name="options">What to make.</param>
    /// <param name="say">Takes a line of progress.</param>
    /// <param name="cancellation">Stops at the next block.</param>
    /// <exception cref="DiffSynthException">The model can't be loaded, or a number doesn't fit.</exception>
    public static EnduranceResult Run(EnduranceOptions options, Action<string> say, CancellationToken cancellation = default)
    {
        if (options.Pictures is < 1 or > MostPictures) throw new DiffSynthException($"{options.Pictures} pictures don't fit: expected 1 … {MostPictures}.");
        TorchRuntime.EnsureLoaded();
        var (loading, making) = (new BorderClock(), new BorderClock());
        using var model = loading.Watch(() => DiffusionModel.Load(options.Model, options.Loading, null, cancellation));
        var jobs = new EnduranceJobs(model, options);
        var (samples, latencies, refused, spent) = (new List<EnduranceSample>(), new List<double>(), 0, 0.0);
        for (var made = 1; made <= options.Pictures; made++)
        {
            var clock = Stopwatch.StartNew();
            making.Watch(() => jobs.Make(made, cancellation));
            var seconds = clock.Elapsed.TotalSeconds;
            spent += seconds;
            if (made % PicturesPerCancel == 0 && jobs.Cancel(made, TimeSpan.FromSeconds(seconds * (made * GoldenShare % 1)), cancellation) is { } latency) latencies.Add(latency);
            if (made % PicturesPerError == 0) refused += jobs.Refuse(made);
            if (made != options.Pictures && made != options.Pictures / 2 && made != EarlySample) continue;
            samples.Add(Sample(made, spent / (made - (samples.LastOrDefault()?.Pictures ?? 0))));
            say($"{made} of {options.Pictures} pictures …");
            spent = 0;
        }
        latencies.Sort();
        var (median, longest) = latencies.Count == 0 ? (0, 0) : (latencies[latencies.Count / 2], latencies[^1]);
        return new(options.Model, get_num_threads(), latencies.Count, refused, samples, median, longest, making.Longest, loading.Longest);
    }

    private static EnduranceSample Sample(int made, double seconds)
    {
        var state = ProcessState.Now();
        return new(made, state.RssBytes, state.Tensors, state.Handles, state.CachedBytes, seconds);
    }
}
