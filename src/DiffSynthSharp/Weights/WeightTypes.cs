using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>Conversions of weights that are written to a file.</summary>
internal static class WeightTypes
{
    /// <summary>The stored form of a type that the user chose.</summary>
    public static StoredType Stored(this WeightType type) => type switch
    {
        WeightType.F16 => StoredType.F16,
        WeightType.BF16 => StoredType.BF16,
        _ => StoredType.F32,
    };

    /// <summary>A tensor in another element type, of any shape.</summary>
    /// <param name="value">Fractions.</param>
    /// <param name="type">The type to store.</param>
    /// <param name="what">What to call the tensor in an error.</param>
    /// <exception cref="DiffSynthException">A finite value is too large for the type.</exception>
    public static Tensor ToStored(this Tensor value, StoredType type, string what)
    {
        if (value.dtype == type.Scalar()) return value.alias();
        using var scope = NewDisposeScope();
        var converted = value.to(type.Scalar());
        var lost = converted.to(ScalarType.Float32).isfinite().logical_not().logical_and(value.to(ScalarType.Float64).isfinite());
        if (lost.any().item<bool>()) throw new DiffSynthException($"'{OneLine.Of(what)}' holds values that {type.Name()} has no room for. Write it with --type f32 or bf16.");
        return converted.MoveToOuterDisposeScope();
    }
}
