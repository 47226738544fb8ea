using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora.Deltas;

/// <summary>A matrix or kernel that is stored whole, as a product of two, or as two around a core. Owns its tensors.</summary>
/// <param name="Left">The whole; (outputs, rank); or (rank, outputs) with a core.</param>
/// <param name="Right">(rank, inputs), or null for a whole.</param>
/// <param name="Core">(rank, rank, kernel…) or null.</param>
internal sealed record FactorProduct(Tensor Left, Tensor? Right = null, Tensor? Core = null) : IDisposable
{
    /// <summary>The product in float32.</summary>
    public Tensor Value()
    {
        using var scope = NewDisposeScope();
        var left = Left.to(ScalarType.Float32).alias();
        if (Right is null) return left.MoveToOuterDisposeScope();
        var right = Right.to(ScalarType.Float32);
        return (Core is null ? left.matmul(right) : LowRankDelta.Core(Core.to(ScalarType.Float32), left, right)).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Left.Dispose();
        Right?.Dispose();
        Core?.Dispose();
    }
}
