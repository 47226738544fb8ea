using DiffSynthSharp.Runtime;

namespace DiffSynthSharp.Layers;

/// <summary>What one call of a network takes, known from its sizes before it runs.</summary>
/// <param name="Operations">As <see cref="OperationCount"/> counts them.</param>
/// <param name="ActivationBytes">Most bytes of float32 tensors that are alive at once; weights and what is widened of them are not counted.</param>
internal readonly record struct NetworkCost(long Operations, long ActivationBytes)
{
    /// <summary>Bytes of float32 tensors of these numbers of elements.</summary>
    public static long Bytes(params ReadOnlySpan<long> elements)
    {
        var bytes = 0L;
        foreach (var count in elements) bytes += CachingAllocator.BytesFor(count * sizeof(float));
        return bytes;
    }
}
