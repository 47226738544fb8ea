using System.Diagnostics;

namespace DiffSynthSharp.Benchmarking;

/// <summary>What work took.</summary>
/// <param name="Seconds">By the clock.</param>
/// <param name="ProcessorSeconds">Processor time of the process, divided by the threads that share the work; 0 where the system counts it too coarsely.</param>
internal readonly record struct TimeTaken(double Seconds, double ProcessorSeconds)
{
    /// <summary>GFLOP/s by the clock.</summary>
    public double Gflops(long operations) => operations / Seconds / 1e9;

    /// <summary>GFLOP/s by processor time; 0 where that isn't known.</summary>
    public double ProcessorGflops(long operations) => ProcessorSeconds > 0 ? operations / ProcessorSeconds / 1e9 : 0;
}

/// <summary>Times work by the clock, and by the processor time that it got, which other programs don't lengthen.</summary>
internal readonly struct WorkClock
{
    private readonly long _start;
    private readonly TimeSpan _processor;

    private WorkClock(long start, TimeSpan processor) => (_start, _processor) = (start, processor);

    /// <summary>Starts.</summary>
    public static WorkClock Start() => new(Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);

    /// <summary>What was taken since the start.</summary>
    /// <param name="threads">Threads that shared the work.</param>
    public TimeTaken Stop(int threads) => new(Stopwatch.GetElapsedTime(_start).TotalSeconds, (Environment.CpuUsage.TotalTime - _processor).TotalSeconds / threads);
}
