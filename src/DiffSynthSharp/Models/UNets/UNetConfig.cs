namespace DiffSynthSharp.Models.UNets;

/// <summary>One resolution of a U-Net.</summary>
/// <param name="Channels">Width of its feature maps.</param>
/// <param name="Depth">Transformer blocks after each residual block; 0 for none.</param>
internal sealed record UNetLevel(long Channels, int Depth);

/// <summary>Sizes of a U-Net of Stable Diffusion's kind.</summary>
/// <param name="InputChannels">4, or 9 for inpainting checkpoints.</param>
/// <param name="OutputChannels">Channels of the prediction.</param>
/// <param name="Levels">From full resolution downwards.</param>
/// <param name="BlocksPerLevel">Residual blocks on the way down; one more on the way up.</param>
/// <param name="ContextWidth">Width of a text token.</param>
/// <param name="Heads">Attention heads, the same at each level.</param>
/// <param name="MiddleDepth">Transformer blocks in the middle.</param>
/// <param name="NormGroups">Groups of the group norms.</param>
internal sealed record UNetConfig(
    long InputChannels, long OutputChannels, IReadOnlyList<UNetLevel> Levels, int BlocksPerLevel, long ContextWidth, long Heads = 8, int MiddleDepth = 1, long NormGroups = 32)
{
    /// <summary>Every size that shapes tell, under ldm's names without a prefix; heads and norm groups are not in the shapes and keep their published values.</summary>
    public static UNetConfig Detect(IReadOnlyDictionary<string, long[]> shapes)
    {
        var levels = new List<UNetLevel>();
        var blocks = 0;
        for (var i = 1; ; i++)
        {
            if (shapes.ContainsKey($"input_blocks.{i}.0.out_layers.3.weight"))
            {
                if (blocks == 0) levels.Add(new(Side(shapes, $"input_blocks.{i}.0.out_layers.3.weight", 0), Depth(shapes, $"input_blocks.{i}.1")));
                blocks++;
            }
            else if (shapes.ContainsKey($"input_blocks.{i}.0.op.weight")) blocks = 0;
            else break;
        }
        var inputs = Side(shapes, "input_blocks.0.0.weight", 1);
        var outputs = shapes.ContainsKey("out.2.weight") ? Side(shapes, "out.2.weight", 0) : inputs;
        return new(inputs, outputs, levels, blocks, ContextOf(shapes), MiddleDepth: Depth(shapes, "middle_block.1"));
    }

    private static int Depth(IReadOnlyDictionary<string, long[]> shapes, string transformer)
    {
        var depth = 0;
        while (shapes.ContainsKey($"{transformer}.transformer_blocks.{depth}.norm1.weight")) depth++;
        return depth;
    }

    private static long ContextOf(IReadOnlyDictionary<string, long[]> shapes)
        => Side(shapes, "middle_block.1.transformer_blocks.0.attn2.to_k.weight", 1);

    private static long Side(IReadOnlyDictionary<string, long[]> shapes, string name, int axis)
        => shapes.TryGetValue(name, out var shape) && axis < shape.Length ? shape[axis]
            : throw new DiffSynthException($"The tensor '{name}', which tells the network's sizes, {(shape is null ? "is missing" : $"has the shape [{string.Join(", ", shape)}]")}. The file is damaged or of another kind.");
}
