namespace DiffSynthSharp.Generation;

/// <summary>The one thread on which a model's asynchronous jobs run, in the order in which they were asked for.</summary>
/// <remarks>Dispose scopes and a cancelled job's <see cref="Layers.BlockBorder"/> belong to a thread, so a job never changes threads.</remarks>
internal sealed class ModelThread : IDisposable
{
    private readonly Queue<Job> _waiting = [];
    private readonly CancellationTokenSource _closing = new();
    private readonly Thread _thread;
    private bool _isClosed;

    public ModelThread()
    {
        _thread = new Thread(RunJobs) { IsBackground = true, Name = "DiffSynthSharp" };
        _thread.Start();
    }

    /// <summary>Runs work after everything that was asked for before.</summary>
    /// <param name="work">Gets the token that stops it.</param>
    /// <param name="cancellation">Takes a waiting job off the queue at once; a running one stops as its work does.</param>
    /// <returns>The work's result, its exception, or cancelled.</returns>
    /// <exception cref="ObjectDisposedException">The thread was closed before this call; a job still waiting when it is closed ends so too.</exception>
    public Task<T> Run<T>(Func<CancellationToken, T> work, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
        var job = new Job<T>(work, cancellation);
        lock (_waiting)
        {
            ObjectDisposedException.ThrowIf(_isClosed, typeof(DiffusionModel));
            _waiting.Enqueue(job);
            Monitor.Pulse(_waiting);
        }
        return job.Task;
    }

    /// <summary>Stops the running job at its next border, refuses those that wait, and returns when the thread has ended. Not for its own jobs.</summary>
    public void Dispose()
    {
        lock (_waiting)
        {
            if (_isClosed) return;
            _isClosed = true;
            Monitor.Pulse(_waiting);
        }
        _closing.Cancel();
        _thread.Join();
        _closing.Dispose();
    }

    private void RunJobs()
    {
        while (Next() is { } job) job.Run(_closing.Token);
        lock (_waiting)
            while (_waiting.TryDequeue(out var refused)) refused.Refuse();
    }

    private Job? Next()
    {
        lock (_waiting)
        {
            while (_waiting.Count == 0 && !_isClosed) Monitor.Wait(_waiting);
            return _isClosed ? null : _waiting.Dequeue();
        }
    }

    private abstract class Job
    {
        public abstract void Run(CancellationToken closing);

        public abstract void Refuse();
    }

    private sealed class Job<T> : Job
    {
        private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Func<CancellationToken, T> _work;
        private readonly CancellationToken _cancellation;
        private readonly CancellationTokenRegistration _whileWaiting;
        private int _hasBegun;

        public Job(Func<CancellationToken, T> work, CancellationToken cancellation)
        {
            (_work, _cancellation) = (work, cancellation);
            _whileWaiting = cancellation.UnsafeRegister(_ => { if (Begin()) _result.SetCanceled(_cancellation); }, null);
        }

        public Task<T> Task => _result.Task;

        public override void Run(CancellationToken closing)
        {
            if (!Begin()) return;
            _whileWaiting.Dispose();
            try
            {
                using var stop = CancellationTokenSource.CreateLinkedTokenSource(_cancellation, closing);
                _result.SetResult(_work(stop.Token));
            }
            catch (OperationCanceledException) when (_cancellation.IsCancellationRequested)
            {
                _result.SetCanceled(_cancellation);
            }
            catch (OperationCanceledException) when (closing.IsCancellationRequested)
            {
                _result.SetException(new ObjectDisposedException(nameof(DiffusionModel)));
            }
            catch (Exception e)
            {
                _result.SetException(e);
            }
        }

        public override void Refuse()
        {
            if (!Begin()) return;
            _whileWaiting.Dispose();
            _result.SetException(new ObjectDisposedException(nameof(DiffusionModel)));
        }

        private bool Begin() => Interlocked.Exchange(ref _hasBegun, 1) == 0;
    }
}
