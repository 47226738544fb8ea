using System.Diagnostics;
using DiffSynthSharp.Layers;

namespace DiffSynthSharp.Benchmarking;

/// <summary>The longest time between two borders of a job, which is how long it takes at most to stop.</summary>
internal sealed class BorderClock
{
    private long _last;

    /// <summary>Seconds.</summary>
    public double Longest { get; private set; }

    /// <summary>Watches a job on this thread from its begin to its end.</summary>
    public T Watch<T>(Func<T> job)
    {
        _last = Stopwatch.GetTimestamp();
        using var observed = BlockBorder.Observe(Crossed);
        var result = job();
        Crossed();
        return result;
    }

    private void Crossed()
    {
        var now = Stopwatch.GetTimestamp();
        Longest = Math.Max(Longest, Stopwatch.GetElapsedTime(_last, now).TotalSeconds);
        _last = now;
    }
}
