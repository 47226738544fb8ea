using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Generation;

/// <summary>How many tensors the process holds, once what other tests left to the collector is gone.</summary>
internal static class LiveTensors
{
    public static long Count()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Tensor.TotalCount;
    }
}
