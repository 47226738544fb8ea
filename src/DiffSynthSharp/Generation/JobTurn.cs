namespace DiffSynthSharp.Generation;

/// <summary>Lets one job at a time use a model's networks, whichever thread it is on.</summary>
internal sealed class JobTurn
{
    private readonly SemaphoreSlim _free = new(1, 1);
    private int _runningThread;
    private bool _isClosed;

    /// <summary>Waits until no other job runs; the next one may when the result is disposed.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled while it waited.</exception>
    /// <exception cref="InvalidOperationException">The running job is on this very thread.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Held Take(CancellationToken cancellation)
    {
        RefuseNested();
        _free.Wait(cancellation);
        if (_isClosed)
        {
            _free.Release();
            throw new ObjectDisposedException(nameof(DiffusionModel));
        }
        _runningThread = Environment.CurrentManagedThreadId;
        return new Held(this);
    }

    /// <summary>Makes sure that this thread doesn't run a job already: a handler of its progress would wait for itself.</summary>
    /// <exception cref="InvalidOperationException">It does.</exception>
    public void RefuseNested()
    {
        if (_runningThread == Environment.CurrentManagedThreadId)
            throw new InvalidOperationException("A progress handler runs inside its job, so it can neither start another job and wait for it nor dispose the model.");
    }

    /// <summary>Waits for the running job and refuses all others.</summary>
    /// <returns>False when it was closed before.</returns>
    public bool Close()
    {
        _free.Wait();
        var isFirst = !_isClosed;
        _isClosed = true;
        _free.Release();
        return isFirst;
    }

    /// <summary>The right to run.</summary>
    public readonly struct Held(JobTurn turn) : IDisposable
    {
        public void Dispose()
        {
            turn._runningThread = 0;
            turn._free.Release();
        }
    }
}
