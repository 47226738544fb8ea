using System.Diagnostics;

namespace DiffSynthSharp.Fuzz;

/// <summary>Ends the process when an input is read without end; the input is then in <see cref="CurrentInput"/>.</summary>
public sealed class HangWatch : IDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    private readonly string _target;
    private readonly Timer _timer;
    private long _start;

    /// <param name="target">The reader's name.</param>
    public HangWatch(string target)
    {
        _target = target;
        _timer = new Timer(_ => Look(), null, s_longest, TimeSpan.FromSeconds(5));
    }

    /// <summary>An input is being read.</summary>
    public void Begin() => Volatile.Write(ref _start, Stopwatch.GetTimestamp());

    /// <summary>It was read.</summary>
    public void End() => Volatile.Write(ref _start, 0);

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (Volatile.Read(ref _start) is > 0 and var start && Stopwatch.GetElapsedTime(start) > s_longest)
            Environment.FailFast($"The target {_target} has been reading one input for more than {s_longest.TotalSeconds} s.");
    }
}
