using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.Annotators;

/// <summary>Sizes of MiDaS' hybrid depth network.</summary>
/// <param name="Stem">Channels of the ResNet's first convolution.</param>
/// <param name="Stages">The ResNet's stages.</param>
/// <param name="Places">Rows of the table of places.</param>
/// <param name="Blocks">The transformer's depth.</param>
/// <param name="Block">Sizes of its blocks.</param>
/// <param name="Maps">Channels of the two maps that the transformer gives.</param>
/// <param name="Decoder">Sizes of the decoder.</param>
internal sealed record DptHybridConfig(
    long Stem, IReadOnlyList<ResNetStage> Stages, long Places, int Blocks, VisionBlockConfig Block, IReadOnlyList<long> Maps, DepthDecoderConfig Decoder)
{
    /// <summary>The map of the published names, or null when these are others.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? Keys(IReadOnlyCollection<string> names)
        => !names.Contains("pretrained.model.patch_embed.backbone.stem.conv.weight") ? null : KeyMap.Embedded("DptHybrid.keys", new()
        {
            ["block"] = Enumerable.Range(0, NameCount.Consecutive(names, i => $"pretrained.model.blocks.{i}.")).Select(i => new Dictionary<string, int> { ["i"] = i }),
            ["map"] = DepthDecoderConfig.Numbers,
        });

    /// <summary>Every size, from shapes. Heads are 64 wide.</summary>
    /// <exception cref="DiffSynthException">A tensor that tells a size is missing.</exception>
    public static DptHybridConfig Detect(ComponentWeights weights)
    {
        var names = weights.Shapes.Keys.ToList();
        var stages = Enumerable.Range(0, NameCount.Consecutive(names, i => $"backbone.stages.{i}.")).Select(stage => new ResNetStage(
            NameCount.Consecutive(names, i => $"backbone.stages.{stage}.blocks.{i}."),
            weights.Side($"backbone.stages.{stage}.blocks.0.conv1.weight", 0), weights.Side($"backbone.stages.{stage}.blocks.0.conv3.weight", 0)));
        var block = new VisionBlockConfig(weights.Side("patches.weight", 0), weights.Side("blocks.0.fc1.weight", 0), IsFused: true, IsScaled: false);
        return new(weights.Side("backbone.stem.conv.weight", 0), [.. stages], weights.Side("tokens.places", 1), NameCount.Consecutive(names, i => $"blocks.{i}."), block,
            [weights.Side("map3.weight", 0), weights.Side("map4.weight", 0)], DepthDecoderConfig.Detect(weights));
    }
}
