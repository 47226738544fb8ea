namespace DiffSynthSharp.Weights.Gguf;

/// <summary>A way of packing elements into blocks that share scales.</summary>
/// <remarks>ggml-org/ggml, src/ggml-common.h (the layouts) and src/ggml-quants.c (<c>dequantize_row_*</c>).</remarks>
internal sealed unsafe class BlockFormat
{
    /// <summary>The largest <see cref="Elements"/>.</summary>
    public const int MostElements = 256;

    private static readonly BlockFormat[] s_all =
    [
        new(2, "Q4_0", 32, 18, &SmallBlocks.Q4Scaled),
        new(3, "Q4_1", 32, 20, &SmallBlocks.Q4Shifted),
        new(6, "Q5_0", 32, 22, &SmallBlocks.Q5Scaled),
        new(7, "Q5_1", 32, 24, &SmallBlocks.Q5Shifted),
        new(8, "Q8_0", 32, 34, &SmallBlocks.Q8Scaled),
        new(10, "Q2_K", 256, 84, &LargeBlocks.Q2),
        new(11, "Q3_K", 256, 110, &LargeBlocks.Q3),
        new(12, "Q4_K", 256, 144, &LargeBlocks.Q4),
        new(13, "Q5_K", 256, 176, &LargeBlocks.Q5),
        new(14, "Q6_K", 256, 210, &LargeBlocks.Q6),
        new(20, "IQ4_NL", 32, 18, &SmallBlocks.Curve),
        new(23, "IQ4_XS", 256, 136, &LargeBlocks.Curve),
    ];

    private readonly delegate*<byte*, float*, void> _decode;

    private BlockFormat(uint code, string name, int elements, int bytes, delegate*<byte*, float*, void> decode)
    {
        (Code, Name, Elements, Bytes) = (code, name, elements, bytes);
        _decode = decode;
    }

    /// <summary>The number that GGUF files have for it (<c>ggml_type</c>).</summary>
    public uint Code { get; }

    /// <summary>Its name, such as <c>Q4_K</c>.</summary>
    public string Name { get; }

    /// <summary>Elements of a block.</summary>
    public int Elements { get; }

    /// <summary>Bytes of a block.</summary>
    public int Bytes { get; }

    /// <summary>Names of all formats that are known here.</summary>
    public static IEnumerable<string> Names => s_all.Select(format => format.Name);

    /// <summary>The format of a number, or null when it is another's.</summary>
    public static BlockFormat? Find(uint code) => Array.Find(s_all, format => format.Code == code);

    /// <summary>Decodes whole blocks.</summary>
    /// <param name="from">The first block.</param>
    /// <param name="blocks">How many.</param>
    /// <param name="to">Room for all their elements.</param>
    public void Decode(byte* from, long blocks, float* to)
    {
        for (; blocks > 0; blocks--, from += Bytes, to += Elements) _decode(from, to);
    }
}
