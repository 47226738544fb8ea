using System.Text.RegularExpressions;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>A layer of a U-Net or of CLIP's text encoder, which every layout has a name for.</summary>
/// <param name="Network">"unet", "text_encoder" or "text_encoder_2".</param>
/// <param name="Canonical">diffusers' name inside the network.</param>
/// <remarks>Names: huggingface/diffusers UNet2DConditionModel, huggingface/transformers CLIPTextModel. Unknown words are refused, so that no underscore of
/// a kohya name is taken for a dot by mistake.</remarks>
internal readonly partial record struct LoraPlace(string Network, string Canonical)
{
    private const string TextRoot = "text_model.";

    public bool IsText => Network != LoraNames.Denoiser;

    /// <summary>Whether it is a projection around a transformer, which is a convolution of one cell in some tools and a linear layer in others.</summary>
    public bool IsProjection => Canonical.EndsWith(".proj_in", StringComparison.Ordinal) || Canonical.EndsWith(".proj_out", StringComparison.Ordinal);

    /// <summary>The layer that a module of a file speaks of, or null when it is none of those known here.</summary>
    public static LoraPlace? Of(LoraModule module)
    {
        var (network, name) = (module.Network, module.Canonical);
        if (UNetName().IsMatch(name)) return network is null or LoraNames.Denoiser ? new(LoraNames.Denoiser, name) : null;
        if (!TextName().IsMatch(name) || network == LoraNames.Denoiser) return null;
        var hasRoot = name.StartsWith(TextRoot, StringComparison.Ordinal) || name == "text_projection";
        return new(network ?? LoraNames.TextEncoder, hasRoot ? name : TextRoot + name);
    }

    [GeneratedRegex("""
        ^(conv_in|conv_out|conv_norm_out|(time|add)_embedding\.linear_[12]
        |((down|up)_blocks\.[0-9]+|mid_block)\.(
            resnets\.[0-9]+\.(conv1|conv2|conv_shortcut|time_emb_proj|norm1|norm2)
            |(down|up)samplers\.0\.conv
            |attentions\.[0-9]+\.(norm|proj_in|proj_out|transformer_blocks\.[0-9]+\.(attn[12]\.(to_[qkv]|to_out\.0)|ff\.net\.(0\.proj|2)|norm[123]))))\z
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex UNetName();

    [GeneratedRegex("""
        ^((text_model\.)?(encoder\.layers\.[0-9]+\.(self_attn\.(q|k|v|out)_proj|mlp\.fc[12]|layer_norm[12])|final_layer_norm)
        |text_projection)\z
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex TextName();
}
