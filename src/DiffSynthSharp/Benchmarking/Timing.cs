using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Benchmarking;

/// <summary>One run of some work, or what was done of it until it was stopped.</summary>
/// <param name="Taken">Its time.</param>
/// <param name="Operations">The textbook algorithm's.</param>
/// <param name="IsWhole">Whether it came to its end.</param>
internal readonly record struct Timing(TimeTaken Taken, long Operations, bool IsWhole)
{
    /// <summary>GFLOP/s by the clock.</summary>
    public double Gflops => Taken.Gflops(Operations);

    /// <summary>GFLOP/s by processor time; 0 where that isn't known.</summary>
    public double ProcessorGflops => Taken.ProcessorGflops(Operations);

    /// <summary>The fastest of several runs by the clock.</summary>
    /// <param name="times">Runs.</param>
    /// <param name="stopAfter">Ends all of them after so many seconds; null waits.</param>
    /// <param name="work">Its result is disposed.</param>
    /// <param name="cancellation">Stops at the next block.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static Timing Best(int times, double? stopAfter, Func<Tensor> work, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (stopAfter is { } seconds) limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        using var stop = BlockBorder.StopWith(limit.Token);
        var best = Of(work, cancellation);
        for (var i = 1; i < times && best.IsWhole; i++)
        {
            var next = Of(work, cancellation);
            if (!next.IsWhole) break;
            if (next.Taken.Seconds < best.Taken.Seconds) best = next;
        }
        return best;
    }

    private static Timing Of(Func<Tensor> work, CancellationToken cancellation)
    {
        var (before, isWhole) = (OperationCount.Total, true);
        var clock = WorkClock.Start();
        using var scope = NewDisposeScope(); // takes what a stopped run leaves
        try
        {
            work();
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            isWhole = false;
        }
        return new(clock.Stop(get_num_threads()), OperationCount.Total - before, isWhole);
    }
}
