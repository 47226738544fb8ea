using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>The published layouts of CLIP's text encoders: transformers' behind several prefixes, and OpenCLIP's.</summary>
internal static class ClipTextKeys
{
    /// <summary>What may stand before CLIP-L's own names: nothing, or the prefixes of Stable Diffusion 1.x, SDXL and SD3 single files.</summary>
    public static readonly IReadOnlyList<string> Prefixes =
        ["cond_stage_model.transformer.", "cond_stage_model.", "conditioner.embedders.0.transformer.", "text_encoders.clip_l.transformer.", ""];

    /// <summary>What may stand before CLIP-G's own names: the prefixes of SDXL and SD3 single files, or nothing.</summary>
    public static readonly IReadOnlyList<string> BigPrefixes = ["conditioner.embedders.1.model.", "text_encoders.clip_g.transformer.", ""];

    private const string Mark = "text_model.embeddings.token_embedding.weight", OpenClipMark = "token_embedding.weight", OpenClipLayers = "transformer.resblocks.";

    // position_ids hold 0, 1, 2 … and were rounded to half precision by some tools; the other tower's tensors are not this network's.
    private static readonly KeyMap s_map = KeyMap.Identity("text_model.embeddings.position_ids", "vision_model", "visual_projection", "logit_scale");

    /// <summary>The map of the layout that these names follow, or null when they are no CLIP text encoder's.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? For(IReadOnlyCollection<string> names)
        => names.Contains(Mark) ? s_map
            : names.Contains(OpenClipMark) && NameCount.Deepest(names, OpenClipLayers) is > 0 and var layers ? OpenClip(layers)
            : null;

    private static KeyMap OpenClip(int layers) => KeyMap.Embedded(
        "ClipTextEncoder.openclip.keys", new() { ["layers"] = Enumerable.Range(0, layers).Select(i => new Dictionary<string, int> { ["i"] = i }) });
}
