using DiffSynthSharp.Weights.Gguf;

namespace DiffSynthSharp.Weights;

/// <summary>What a checkpoint says about one of its tensors.</summary>
/// <param name="Name">The tensor's name in the file.</param>
/// <param name="Type">How its elements are stored.</param>
/// <param name="Shape">Its dimensions; empty for a single number.</param>
internal sealed record TensorEntry(string Name, StoredType Type, long[] Shape)
{
    /// <summary>Number of elements. Readers make sure that it, and <see cref="Bytes"/>, cannot overflow.</summary>
    public long Elements => Shape.Aggregate(1L, (product, side) => product * side);

    /// <summary>How elements are packed into blocks, or null when each is stored by itself. Reading unpacks them into <see cref="Type"/>.</summary>
    public BlockFormat? Blocks { get; init; }

    /// <summary>What the file calls the element type, such as <c>F16</c> or <c>Q4_K</c>.</summary>
    public string TypeName => Blocks?.Name ?? Type.Name();

    /// <summary>Bytes that the elements take in the file when they lie side by side.</summary>
    public long StoredBytes => Blocks is null ? Bytes : Elements / Blocks.Elements * Blocks.Bytes;

    /// <summary>Bytes that the elements take when they have been read and lie side by side.</summary>
    public long Bytes => Elements * Type.Size();

    /// <summary>Where in the file the first element lies.</summary>
    public long Offset { get; init; }

    /// <summary>Distance between neighbours of each dimension in elements, or null when the elements lie row by row.</summary>
    public long[]? Strides { get; init; }

    /// <summary>Elements from the first to the last, which is more than <see cref="Elements"/> when the tensor is a view with gaps, and fewer when it repeats
    /// itself.</summary>
    public long SpanElements => Strides is null ? Elements : Elements == 0 ? 0 : 1 + Shape.Zip(Strides, (side, stride) => (side - 1) * stride).Sum();

    /// <summary>The block of the file that this tensor is a view of, when it has a checksum.</summary>
    public ChecksummedBlock? Block { get; init; }

    /// <summary>The shape as people write it, such as <c>[320, 4, 3, 3]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";
}
