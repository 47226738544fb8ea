using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>The published layouts of FLUX.1's transformer.</summary>
internal static class FluxKeys
{
    private static readonly string[] s_authorMarks = ["double_blocks.0.img_attn.qkv.weight", "single_blocks.0.linear1.weight"];
    private static readonly string[] s_diffusersMarks = ["transformer_blocks.0.attn.add_q_proj.weight", "single_transformer_blocks.0.proj_mlp.weight"];

    /// <summary>What may stand before the names: files that hold a whole model have the first.</summary>
    public static IReadOnlyList<string> Prefixes { get; } = ["model.diffusion_model.", ""];

    /// <summary>The map of the layout that these names follow, or null when they are no FLUX transformer's.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? For(IReadOnlyCollection<string> names)
        => s_authorMarks.All(names.Contains) ? KeyMap.Identity()
            : s_diffusersMarks.All(names.Contains)
                ? Diffusers(NameCount.Consecutive(names, i => $"transformer_blocks.{i}."), NameCount.Consecutive(names, i => $"single_transformer_blocks.{i}."))
                : null;

    /// <summary>The table of diffusers folders for a network of these sizes.</summary>
    public static KeyMap Diffusers(FluxConfig config) => Diffusers(config.DoubleBlocks, config.SingleBlocks);

    private static KeyMap Diffusers(int doubleBlocks, int singleBlocks)
        => KeyMap.Embedded("FluxTransformer.diffusers.keys", new() { ["double"] = Numbers(doubleBlocks), ["single"] = Numbers(singleBlocks) });

    private static IEnumerable<IReadOnlyDictionary<string, int>> Numbers(int count) => Enumerable.Range(0, count).Select(i => new Dictionary<string, int> { ["i"] = i });
}
