using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.UNets;

/// <summary>The published layouts of Stable Diffusion's U-Net.</summary>
internal static class UNetKeys
{
    /// <summary>The tensor that every layout's header must hold, by which it is recognised.</summary>
    public const string LdmMark = "input_blocks.0.0.weight";
    private const string DiffusersMark = "conv_in.weight";

    /// <summary>The map of the layout that these names follow, or null when they are no U-Net's.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? For(IReadOnlyCollection<string> names)
        => names.Contains(LdmMark) ? KeyMap.Identity()
            : names.Contains(DiffusersMark) && names.Contains("time_embedding.linear_1.weight") ? Diffusers(names) : null;

    private static KeyMap Diffusers(IReadOnlyCollection<string> names)
    {
        var levels = NameCount.Consecutive(names, i => $"down_blocks.{i}.");
        var blocks = NameCount.Consecutive(names, i => $"down_blocks.0.resnets.{i}.");
        var withAttention = Enumerable.Range(0, levels).Select(level => names.Contains($"up_blocks.{level}.attentions.0.norm.weight")).ToArray();
        return Diffusers(levels, blocks, withAttention, names.Contains("mid_block.attentions.0.norm.weight"));
    }

    /// <summary>The table of diffusers folders for a network of these sizes.</summary>
    public static KeyMap Diffusers(UNetConfig config) => Diffusers(
        config.Levels.Count, config.BlocksPerLevel, [.. config.Levels.Reverse().Select(level => level.Depth > 0)], config.MiddleDepth > 0);

    /// <summary>DiffSynth-Studio's own names, which the LoRAs of its trainer have.</summary>
    public static KeyMap DiffSynth(UNetConfig config) => KeyMap.Embedded(["UNet.diffsynth.keys"], DiffSynthBlocks.Of(config));

    private static KeyMap Diffusers(int levels, int blocks, bool[] withAttention, bool middleAttention)
    {
        var sections = DownSections(levels, blocks, middleAttention);
        sections["up"] = from level in Enumerable.Range(0, levels)
                         from i in Enumerable.Range(0, blocks + 1)
                         select Numbers(("level", level), ("i", i), ("n", level * (blocks + 1) + i));
        sections["upsample"] = from level in Enumerable.Range(0, levels - 1)
                               select Numbers(("level", level), ("n", level * (blocks + 1) + blocks), ("at", withAttention[level] ? 2 : 1));
        return KeyMap.Embedded(["UNetDown.diffusers.keys", "UNet.diffusers.keys"], sections);
    }

    /// <summary>The numbers for the table of the way down and the middle, <c>UNetDown.diffusers.keys</c>.</summary>
    public static KeyMap.Sections DownSections(int levels, int blocks, bool middleAttention) => new()
    {
        ["down"] = from level in Enumerable.Range(0, levels)
                   from i in Enumerable.Range(0, blocks)
                   select Numbers(("level", level), ("i", i), ("n", 1 + level * (blocks + 1) + i)),
        ["downsample"] = from level in Enumerable.Range(0, levels - 1)
                         select Numbers(("level", level), ("n", (level + 1) * (blocks + 1))),
        ["middle"] = [Numbers(("i", 0), ("n", 0)), Numbers(("i", 1), ("n", middleAttention ? 2 : 1))],
        ["middle-attention"] = middleAttention ? [Numbers(("i", 0), ("n", 1))] : [],
    };

    /// <summary>What the placeholders of one repetition stand for.</summary>
    public static Dictionary<string, int> Numbers(params (string Name, int Value)[] numbers) => numbers.ToDictionary(number => number.Name, number => number.Value);
}
