using System.Diagnostics;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Benchmarking;

/// <summary>What this process holds at one moment.</summary>
/// <param name="Tensors">Live tensors.</param>
/// <param name="Handles">Open file descriptors; handles of any kind where the system has no such list.</param>
/// <param name="CachedBytes">What the allocator keeps for tensors to come.</param>
/// <param name="RssBytes">Resident memory.</param>
internal readonly record struct ProcessState(long Tensors, int Handles, long CachedBytes, long RssBytes)
{
    private const string Descriptors = "/proc/self/fd";

    /// <summary>Looks, once garbage is collected.</summary>
    public static ProcessState Now()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var process = Process.GetCurrentProcess();
        var handles = Directory.Exists(Descriptors) ? Directory.EnumerateFileSystemEntries(Descriptors).Count() : process.HandleCount;
        return new(Tensor.TotalCount, handles, CachingAllocator.CachedBytes, process.WorkingSet64);
    }
}
