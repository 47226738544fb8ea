using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.Autoencoders;

/// <summary>The published layouts of the autoencoder.</summary>
internal static class AutoencoderKeys
{
    private const string LdmMark = "encoder.down.0.block.0.conv1.weight";
    private const string DiffusersMark = "encoder.down_blocks.0.resnets.0.conv1.weight";

    /// <summary>The map of the layout that these names follow, or null when they are no autoencoder's.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? For(IReadOnlyCollection<string> names)
        => names.Contains(LdmMark) ? KeyMap.Identity("loss", "model_ema")
            : names.Contains(DiffusersMark)
                ? Diffusers(NameCount.Consecutive(names, i => $"encoder.down_blocks.{i}."), NameCount.Consecutive(names, i => $"encoder.down_blocks.0.resnets.{i}."))
                : null;

    /// <summary>The table of diffusers folders for a network of these sizes.</summary>
    public static KeyMap Diffusers(AutoencoderConfig config) => Diffusers(config.Channels.Count, config.BlocksPerLevel);

    private static KeyMap Diffusers(int levels, int blocks) => KeyMap.Embedded("AutoencoderKl.diffusers.keys", new()
    {
        ["down"] = from level in Enumerable.Range(0, levels)
                   from i in Enumerable.Range(0, blocks)
                   select Numbers(level, i, level),
        ["downsample"] = Enumerable.Range(0, levels - 1).Select(level => Numbers(level, 0, level)),
        ["up"] = from level in Enumerable.Range(0, levels)
                 from i in Enumerable.Range(0, blocks + 1)
                 select Numbers(level, i, levels - 1 - level),
        ["upsample"] = Enumerable.Range(0, levels - 1).Select(level => Numbers(level, 0, levels - 1 - level)),
    });

    private static Dictionary<string, int> Numbers(int level, int i, int ours) => new() { ["level"] = level, ["i"] = i, ["ours"] = ours };
}
