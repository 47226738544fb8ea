namespace DiffSynthSharp.Models.Transformers;

/// <summary>Sizes of FLUX.1's transformer.</summary>
/// <param name="InputChannels">Numbers that describe a 2×2 patch of latents at the input: 64 for 16 channels.</param>
/// <param name="OutputChannels">The same at the output.</param>
/// <param name="Width">Width of a token inside.</param>
/// <param name="HeadWidth">Channels of an attention head, a multiple of 16.</param>
/// <param name="Inner">Width between the two layers of an MLP.</param>
/// <param name="ContextWidth">Width of a text token: T5's.</param>
/// <param name="PooledWidth">Width of the vector that stands for the whole prompt: CLIP's.</param>
/// <param name="TimeWidth">Sinusoids of the time and of the guidance.</param>
/// <param name="DoubleBlocks">Blocks in which picture and text have weights of their own.</param>
/// <param name="SingleBlocks">Blocks in which they share them.</param>
/// <param name="HasGuidance">Whether the network is told the guidance (dev) or not (schnell).</param>
internal sealed record FluxConfig(
    long InputChannels, long OutputChannels, long Width, long HeadWidth, long Inner, long ContextWidth, long PooledWidth, long TimeWidth,
    int DoubleBlocks, int SingleBlocks, bool HasGuidance)
{
    /// <summary>Latent cells per patch, along a side.</summary>
    public const int Patch = 2;

    private const long LargestSide = 1 << 20;

    /// <summary>Attention heads.</summary>
    public long Heads => Width / HeadWidth;

    /// <summary>Channels of the latents.</summary>
    public long LatentChannels => OutputChannels / (Patch * Patch);

    /// <summary>
    /// A head's channels that tell a token's kind, row and column. No shape says how a head is shared out; the published 16, 56 and 56 of 128 are
    /// taken as the rule 1/8, 7/16, 7/16.
    /// </summary>
    public IReadOnlyList<long> RotaryAxes => [HeadWidth / 8, 7 * HeadWidth / 16, 7 * HeadWidth / 16];

    /// <summary>What a network with other channels at its input is, or null for one that makes pictures from text alone.</summary>
    public string? OtherKind => InputChannels == OutputChannels ? null : (InputChannels / (Patch * Patch)) switch
    {
        32 => "FLUX.1 Canny or Depth",
        49 => "Flex.2",
        96 => "FLUX.1 Fill",
        _ => "not plain FLUX.1",
    };

    /// <summary>Every size, under the author's names without a prefix.</summary>
    /// <exception cref="DiffSynthException">A tensor that tells a size is missing or can't belong to this network.</exception>
    public static FluxConfig Detect(IReadOnlyDictionary<string, long[]> shapes)
    {
        const string headNorm = "double_blocks.0.img_attn.norm.query_norm.scale";
        var (width, head) = (Side(shapes, "img_in.weight", 0), Side(shapes, headNorm, 0));
        if (head % 16 != 0 || width % head != 0)
            throw new DiffSynthException($"The tensor '{headNorm}' has {head} values, expected a multiple of 16 that divides the network's width {width}. The file is damaged or of another kind.");
        var outputs = Side(shapes, "final_layer.linear.weight", 0);
        if (outputs % (Patch * Patch) != 0)
            throw new DiffSynthException($"The tensor 'final_layer.linear.weight' has {outputs} rows, expected a multiple of {Patch * Patch}, a patch's cells. The file is damaged or of another kind.");
        return new(
            Side(shapes, "img_in.weight", 1), outputs, width, head, Side(shapes, "double_blocks.0.img_mlp.0.weight", 0),
            Side(shapes, "txt_in.weight", 1), Side(shapes, "vector_in.in_layer.weight", 1), Side(shapes, "time_in.in_layer.weight", 1),
            Count(shapes, i => $"double_blocks.{i}.img_attn.qkv.weight"), Count(shapes, i => $"single_blocks.{i}.linear1.weight"),
            shapes.ContainsKey("guidance_in.in_layer.weight"));
    }

    private static int Count(IReadOnlyDictionary<string, long[]> shapes, Func<int, string> name)
    {
        var count = 0;
        while (shapes.ContainsKey(name(count))) count++;
        return count;
    }

    private static long Side(IReadOnlyDictionary<string, long[]> shapes, string name, int axis)
        => shapes.TryGetValue(name, out var shape) && axis < shape.Length && shape[axis] is > 0 and <= LargestSide ? shape[axis]
            : throw new DiffSynthException($"The tensor '{name}', which tells the network's sizes, {(shape is null ? "is missing" : $"has the shape [{string.Join(", ", shape)}]")}. The file is damaged or of another kind.");
}
