namespace DiffSynthSharp.Layers;

/// <summary>
/// Where a long computation can stop: networks cross a border at the start of every block, and a cancelled job ends there.
/// </summary>
/// <remarks>Tensor code runs on one thread from start to end, so the token belongs to the thread.</remarks>
internal static class BlockBorder
{
    [ThreadStatic] private static CancellationToken s_token;
    [ThreadStatic] private static Action? s_observer;

    /// <summary>What stops this thread's blocks.</summary>
    public static CancellationToken Token => s_token;

    /// <summary>Makes this thread's blocks stop when the token is cancelled, until the result is disposed.</summary>
    public static Scope StopWith(CancellationToken token)
    {
        var outer = new Scope(s_token);
        s_token = token;
        return outer;
    }

    /// <summary>Called by every block before it computes.</summary>
    /// <exception cref="OperationCanceledException">The job was cancelled.</exception>
    public static void Cross()
    {
        s_observer?.Invoke();
        s_token.ThrowIfCancellationRequested();
    }

    /// <summary>Calls back at every border this thread crosses, until the result is disposed: how tests stop a job at each of them.</summary>
    internal static Observation Observe(Action crossed)
    {
        s_observer = crossed;
        return default;
    }

    /// <summary>Ends an observation.</summary>
    internal readonly struct Observation : IDisposable
    {
        public void Dispose() => s_observer = null;
    }

    /// <summary>Restores the token that held before.</summary>
    public readonly struct Scope(CancellationToken outer) : IDisposable
    {
        public void Dispose() => s_token = outer;
    }
}
