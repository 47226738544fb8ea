using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>The published layout of T5's encoder: one, behind several prefixes.</summary>
internal static class T5Keys
{
    /// <summary>What may stand before the network's own names: the prefix of Stable Diffusion 3's bundles, or nothing.</summary>
    public static readonly IReadOnlyList<string> Prefixes = ["text_encoders.t5xxl.transformer.", ""];

    private const string Table = "shared", SecondTable = "encoder.embed_tokens";

    // Published single files hold the token table twice with equal numbers; a whole T5 brings a decoder that is not this network's.
    private static readonly KeyMap s_map = KeyMap.Identity(SecondTable, "decoder", "lm_head");

    // Files that were saved again may have kept the second copy alone.
    private static readonly KeyMap s_secondTableAlone = KeyMap.Parse($"encoder encoder\n{SecondTable} {Table}\ndecoder -\nlm_head -", []);

    /// <summary>The map of the layout that these names follow, or null when they are no T5 encoder's.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? For(IReadOnlyCollection<string> names)
        => !names.Any(name => name.StartsWith("encoder.block.", StringComparison.Ordinal) && name.Contains(".SelfAttention.", StringComparison.Ordinal)) ? null
            : !names.Contains($"{Table}.weight") && names.Contains($"{SecondTable}.weight") ? s_secondTableAlone
            : s_map;
}
