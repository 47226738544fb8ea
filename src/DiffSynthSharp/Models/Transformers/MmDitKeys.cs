using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>The published layouts of Stable Diffusion 3's transformer.</summary>
internal static class MmDitKeys
{
    /// <summary>What may stand before the network's names: nothing, or the prefix of single files.</summary>
    public static readonly string[] Prefixes = ["model.diffusion_model.", ""];

    private const string StabilityMark = "joint_blocks.0.context_block.attn.qkv.weight";
    private const string DiffusersMark = "transformer_blocks.0.attn.add_q_proj.weight";

    /// <summary>The map of the layout that these names follow, or null when they are no such transformer's.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? For(IReadOnlyCollection<string> names)
        => names.Contains(StabilityMark) ? KeyMap.Embedded("MmDit.stability.keys")
            : names.Contains(DiffusersMark) && names.Contains("pos_embed.pos_embed")
                ? Diffusers(
                    NameCount.Consecutive(names, i => $"transformer_blocks.{i}."), names.Contains("transformer_blocks.0.attn.norm_q.weight"),
                    NameCount.Consecutive(names, i => $"transformer_blocks.{i}.attn2."))
                : null;

    /// <summary>The table of diffusers folders for a network of these sizes.</summary>
    public static KeyMap Diffusers(MmDitConfig config) => Diffusers(config.Depth, config.HasNormedHeads, config.DualBlocks);

    private static KeyMap Diffusers(int depth, bool isNormed, int dual) => KeyMap.Embedded("MmDit.diffusers.keys", new()
    {
        ["block"] = Numbers(0, depth),
        ["normed"] = Numbers(0, isNormed ? depth : 0),
        ["dual"] = Numbers(0, dual),
        ["inner"] = Numbers(0, depth - 1),
        ["last"] = Numbers(depth - 1, 1),
    });

    private static IEnumerable<Dictionary<string, int>> Numbers(int first, int count)
        => Enumerable.Range(first, count).Select(i => new Dictionary<string, int> { ["i"] = i });
}
