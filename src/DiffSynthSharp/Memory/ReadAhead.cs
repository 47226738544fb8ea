using System.Diagnostics;

namespace DiffSynthSharp.Memory;

/// <summary>How far the reading of a weight is.</summary>
internal enum ReadState
{
    /// <summary>It may not be in memory.</summary>
    Absent,

    /// <summary>A thread is reading it.</summary>
    Reading,

    /// <summary>It was read and not let go of.</summary>
    Present,
}

/// <summary>Reads the next weight of a network on another thread while the present one is computed with.</summary>
/// <remarks>The order is that of the last pass: each weight remembers which one came after it. In the first pass it is the order of the layers.</remarks>
internal sealed class ReadAhead
{
    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _finished = new();
    private StreamedWeight? _last;

    /// <summary>Time that layers waited for their weights to be read.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>Bytes that were read, from the disk or from the system's file cache.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Makes sure that a weight is in memory, and has the next one read.</summary>
    public void Need(StreamedWeight weight)
    {
        var start = Stopwatch.GetTimestamp();
        if (TryBegin(weight)) Read(weight);
        else AwaitReading(weight);
        Waited += Stopwatch.GetElapsedTime(start);
        weight.WasUsed = true;
        if (_last is not null) (_last.Next, _last.KnowsNext) = (weight, true);
        _last = weight;
        // In the first pass the layers' order may name one that was used before: nobody would let go of it until the pass after.
        if (weight.Next is { } next && (weight.KnowsNext || !next.WasUsed) && TryBegin(next)) ThreadPool.UnsafeQueueUserWorkItem(Read, next, preferLocal: false);
    }

    /// <summary>A weight was computed with.</summary>
    public void Done(StreamedWeight weight)
    {
        if (!weight.Stays) Drop(weight);
    }

    /// <summary>Takes a weight out of memory.</summary>
    public void Drop(StreamedWeight weight)
    {
        AwaitReading(weight);
        weight.DropPages();
        lock (_lock) weight.State = ReadState.Absent;
    }

    /// <summary>A weight goes away: waits until nobody reads it any more.</summary>
    public void Forget(StreamedWeight weight)
    {
        AwaitReading(weight);
        if (_last == weight) _last = null;
    }

    private bool TryBegin(StreamedWeight weight)
    {
        lock (_lock)
        {
            if (weight.State != ReadState.Absent) return false;
            weight.State = ReadState.Reading;
            return true;
        }
    }

    private void Read(StreamedWeight weight)
    {
        weight.ReadPages();
        lock (_lock)
        {
            weight.State = ReadState.Present;
            BytesRead += weight.StoredBytes;
            _finished.Set();
        }
    }

    private void AwaitReading(StreamedWeight weight)
    {
        while (true)
        {
            lock (_lock)
            {
                if (weight.State != ReadState.Reading) return;
                _finished.Reset();
            }
            _finished.Wait();
        }
    }
}
