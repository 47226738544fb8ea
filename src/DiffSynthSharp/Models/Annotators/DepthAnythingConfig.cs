using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.Annotators;

/// <summary>Sizes of a Depth-Anything-V2 network.</summary>
/// <param name="Patch">Pixels along a patch's side.</param>
/// <param name="Places">Rows of the table of places.</param>
/// <param name="Blocks">The transformer's depth.</param>
/// <param name="Block">Sizes of its blocks.</param>
/// <param name="Taps">After how many blocks each of the four maps is taken, the largest map first.</param>
/// <param name="Maps">Channels of the four maps.</param>
/// <param name="Decoder">Sizes of the decoder.</param>
internal sealed record DepthAnythingConfig(
    long Patch, long Places, int Blocks, VisionBlockConfig Block, IReadOnlyList<int> Taps, IReadOnlyList<long> Maps, DepthDecoderConfig Decoder)
{
    private const int LargeDepth = 24;

    /// <summary>The map of the layout that these names follow, or null when they are no Depth-Anything network's.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? Keys(IReadOnlyCollection<string> names)
        => names.Contains("backbone.embeddings.patch_embeddings.projection.weight") && names.Contains("neck.convs.0.weight")
            ? Keys("DepthAnything.transformers.keys", names, "backbone.encoder.layer")
            : names.Contains("depth_head.projects.0.weight") && names.Contains("pretrained.patch_embed.proj.weight")
                ? Keys("DepthAnything.original.keys", names, "pretrained.blocks")
                : null;

    /// <summary>Every size, from shapes. Heads are 64 wide.</summary>
    /// <remarks>Depth-Anything-V2, depth_anything_v2/dpt.py (<c>intermediate_layer_idx</c>): maps are taken after every quarter, in the large network after blocks 5, 12, 18, 24.</remarks>
    /// <exception cref="DiffSynthException">A tensor that tells a size is missing.</exception>
    public static DepthAnythingConfig Detect(ComponentWeights weights)
    {
        var names = weights.Shapes.Keys.ToList();
        var blocks = NameCount.Consecutive(names, i => $"blocks.{i}.");
        var block = new VisionBlockConfig(weights.Side("patches.weight", 0), weights.Side("blocks.0.fc1.weight", 0), names.Contains("blocks.0.attention.qkv.weight"), IsScaled: true);
        IReadOnlyList<int> taps = blocks == LargeDepth ? [5, 12, 18, 24] : [.. Enumerable.Range(1, 4).Select(quarter => blocks * quarter / 4)];
        return new(weights.Side("patches.weight", 3), weights.Side("tokens.places", 1), blocks, block, taps,
            [.. Enumerable.Range(0, DepthDecoderConfig.Maps).Select(i => weights.Side($"maps.{i}.projection.weight", 0))], DepthDecoderConfig.Detect(weights));
    }

    private static KeyMap Keys(string table, IReadOnlyCollection<string> names, string block) => KeyMap.Embedded(table, new()
    {
        ["block"] = Enumerable.Range(0, NameCount.Consecutive(names, i => $"{block}.{i}.")).Select(i => new Dictionary<string, int> { ["i"] = i }),
        ["map"] = DepthDecoderConfig.Numbers,
    });
}
