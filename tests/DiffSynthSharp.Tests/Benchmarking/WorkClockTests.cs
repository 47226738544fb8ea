using System.Diagnostics;
using DiffSynthSharp.Benchmarking;

namespace DiffSynthSharp.Tests.Benchmarking;

public sealed class WorkClockTests
{
    [Fact]
    public void A_thread_that_computes_takes_processor_time()
    {
        var clock = WorkClock.Start();
        for (var watch = Stopwatch.StartNew(); watch.ElapsedMilliseconds < 100;) Thread.SpinWait(100);
        var taken = clock.Stop(threads: 1);
        Assert.InRange(taken.Seconds, 0.1, 60);
        Assert.True(taken.ProcessorSeconds > 0);
    }

    [Fact]
    public void Rates_are_operations_over_either_time()
    {
        var taken = new TimeTaken(4, 2);
        Assert.Equal((0.5, 1.0), (taken.Gflops(2_000_000_000), taken.ProcessorGflops(2_000_000_000)));
        Assert.Equal(0, new TimeTaken(4, 0).ProcessorGflops(2_000_000_000));
    }

    [Fact]
    public void The_peak_is_measured_by_both_times()
    {
        var peak = PeakRate.Measure(2);
        Assert.InRange(peak.ByClock, 0.1, 1e5);
        Assert.InRange(peak.ByProcessor, 0.1, 1e5);
    }
}
