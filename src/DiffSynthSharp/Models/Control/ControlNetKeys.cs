using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.Control;

/// <summary>The published layouts of ControlNets for Stable Diffusion.</summary>
internal static class ControlNetKeys
{
    /// <summary>Whether names are those of the author's own files (<c>control_model.…</c>) rather than diffusers'.</summary>
    public static bool IsLdm(IReadOnlyCollection<string> names) => names.Contains("input_hint_block.0.weight") && names.Contains(UNetKeys.LdmMark);

    /// <summary>What may stand before the names.</summary>
    public static IReadOnlyList<string> Prefixes { get; } = ["control_model.", ""];

    /// <summary>The map of the layout that these names follow, or null when they are no such ControlNet's.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? For(IReadOnlyCollection<string> names)
        => IsLdm(names) ? KeyMap.Identity() : names.Contains("controlnet_cond_embedding.conv_in.weight") ? Diffusers(names) : null;

    private static KeyMap Diffusers(IReadOnlyCollection<string> names)
    {
        var levels = NameCount.Consecutive(names, i => $"down_blocks.{i}.");
        var blocks = NameCount.Consecutive(names, i => $"down_blocks.0.resnets.{i}.");
        var hints = NameCount.Consecutive(names, i => $"controlnet_cond_embedding.blocks.{i}.");
        var sections = UNetKeys.DownSections(levels, blocks, names.Contains("mid_block.attentions.0.norm.weight"));
        sections["hint"] = Enumerable.Range(0, hints).Select(i => UNetKeys.Numbers(("i", i), ("n", 2 * i + 2)));
        sections["hint-end"] = [UNetKeys.Numbers(("n", 2 * hints + 2))];
        sections["zero"] = Enumerable.Range(0, levels * (blocks + 1)).Select(i => UNetKeys.Numbers(("i", i)));
        return KeyMap.Embedded(["UNetDown.diffusers.keys", "ControlNet.diffusers.keys"], sections);
    }
}
