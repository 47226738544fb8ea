using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>The element types that checkpoint files hold, in the order of the safetensors format (ascending alignment), which also orders written
/// files.</summary>
internal enum StoredType
{
    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>8-bit float, 5 bits of exponent.</summary>
    F8E5M2,

    /// <summary>8-bit float, 4 bits of exponent, no infinities.</summary>
    F8E4M3,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>IEEE half precision.</summary>
    F16,

    /// <summary>The upper half of a float32.</summary>
    BF16,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>IEEE single precision.</summary>
    F32,

    /// <summary>IEEE double precision.</summary>
    F64,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,
}

/// <summary>Sizes and names of <see cref="StoredType"/>.</summary>
/// <remarks>Names: safetensors' <c>Dtype</c> (huggingface/safetensors, safetensors/src/tensor.rs). Codes: c10/core/ScalarType.h; those above 15 are unknown to
/// TorchSharp's enum but pass through it to libtorch.</remarks>
internal static class StoredTypes
{
    private static readonly (StoredType Type, string Name, int Size, ScalarType Scalar)[] s_table =
    [
        (StoredType.Bool, "BOOL", 1, ScalarType.Bool),
        (StoredType.U8, "U8", 1, ScalarType.Byte),
        (StoredType.I8, "I8", 1, ScalarType.Int8),
        (StoredType.F8E5M2, "F8_E5M2", 1, (ScalarType)23),
        (StoredType.F8E4M3, "F8_E4M3", 1, (ScalarType)24),
        (StoredType.I16, "I16", 2, ScalarType.Int16),
        (StoredType.U16, "U16", 2, (ScalarType)27),
        (StoredType.F16, "F16", 2, ScalarType.Float16),
        (StoredType.BF16, "BF16", 2, ScalarType.BFloat16),
        (StoredType.I32, "I32", 4, ScalarType.Int32),
        (StoredType.U32, "U32", 4, (ScalarType)28),
        (StoredType.F32, "F32", 4, ScalarType.Float32),
        (StoredType.F64, "F64", 8, ScalarType.Float64),
        (StoredType.I64, "I64", 8, ScalarType.Int64),
        (StoredType.U64, "U64", 8, (ScalarType)29),
    ];

    /// <summary>Every name of the safetensors format that is known here.</summary>
    public static IEnumerable<string> Names => s_table.Select(row => row.Name);

    /// <summary>Bytes per element.</summary>
    public static int Size(this StoredType type) => s_table[(int)type].Size;

    /// <summary>The name in a safetensors header, such as <c>F16</c>.</summary>
    public static string Name(this StoredType type) => s_table[(int)type].Name;

    /// <summary>libtorch's type; a number without a name for the types that TorchSharp doesn't list.</summary>
    public static ScalarType Scalar(this StoredType type) => s_table[(int)type].Scalar;

    /// <summary>True for the types that hold fractions.</summary>
    public static bool IsFloat(this StoredType type) =>
        type is StoredType.F64 or StoredType.F32 or StoredType.F16 or StoredType.BF16 or StoredType.F8E4M3 or StoredType.F8E5M2;

    /// <summary>The type of a safetensors header's <c>dtype</c>, or null when it is unknown.</summary>
    public static StoredType? Find(string name) => s_table.FirstOrNull(row => row.Name == name)?.Type;

    /// <summary>The type that stores this tensor's elements as they are.</summary>
    /// <exception cref="DiffSynthException">Complex and quantised tensors have no stored form.</exception>
    public static StoredType Of(Tensor tensor) => s_table.FirstOrNull(row => row.Scalar == tensor.dtype)?.Type
        ?? throw new DiffSynthException($"Tensors of type {tensor.dtype} cannot be stored. Convert them to one of {string.Join(", ", Names)}.");

    private static T? FirstOrNull<T>(this T[] rows, Predicate<T> match)
        where T : struct => Array.FindIndex(rows, match) is var i and >= 0 ? rows[i] : null;
}
