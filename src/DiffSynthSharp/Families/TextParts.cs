using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Families;

/// <summary>The text encoders that several families have, as their files hold them.</summary>
internal static class TextParts
{
    /// <summary>Layers of CLIP-L, beyond which a CLIP is the larger one.</summary>
    private const int LayersOfClipL = 12;

    /// <summary>CLIP-L.</summary>
    public static PartKind ClipL { get; } = new("CLIP-L text encoder", "text_encoder", ["text_encoders.clip_l.transformer.", ""], ClipTextKeys.For)
    {
        Option = PartOption.ClipL,
        Published = [new("clip_l.safetensors", "comfyanonymous/flux_text_encoders", 246_144_152)],
        IsIt = weights => Layers(weights) <= LayersOfClipL,
    };

    /// <summary>CLIP-G.</summary>
    public static PartKind ClipG { get; } = new("CLIP-G text encoder", "text_encoder_2", ClipTextKeys.BigPrefixes, ClipTextKeys.For)
    {
        Option = PartOption.ClipG,
        Published = [new("clip_g.safetensors", "stabilityai/stable-diffusion-3-medium: text_encoders", 1_389_382_176)],
        IsIt = weights => Layers(weights) > LayersOfClipL || weights.Shapes.ContainsKey("text_projection.weight"),
    };

    /// <summary>T5 v1.1's encoder.</summary>
    /// <param name="folder">The sub-folder that a family's diffusers folders have it in.</param>
    public static PartKind T5(string folder) => new("T5 text encoder", folder, T5Keys.Prefixes, T5Keys.For)
    {
        Option = PartOption.T5,
        Published =
        [
            new("t5xxl_fp16.safetensors", "comfyanonymous/flux_text_encoders", 9_787_841_024),
            new("t5xxl_fp8_e4m3fn.safetensors", "comfyanonymous/flux_text_encoders", 4_893_934_904),
            new("t5xxl_fp8_e4m3fn_scaled.safetensors", "comfyanonymous/flux_text_encoders"),
        ],
    };

    /// <summary>A CLIP before it is loaded.</summary>
    /// <param name="config">Its sizes.</param>
    /// <param name="kind">Which one.</param>
    /// <param name="projects">Whether its pooled vector goes through the projection.</param>
    public static NetworkOutline Outline(ClipTextConfig config, PartKind kind, bool projects)
        => new(kind, ModelPhase.Encode, () => new ClipTextEncoder(config), _ => ClipTextCost.Of(config, projects));

    /// <summary>T5 before it is loaded.</summary>
    /// <param name="config">Its sizes.</param>
    /// <param name="kind">The family's kind.</param>
    /// <param name="length">Tokens when nobody says how many.</param>
    public static NetworkOutline Outline(T5Config config, PartKind kind, int length)
        => new(kind, ModelPhase.Encode, () => new T5Encoder(config), picture => T5Cost.Of(config, picture.TextLength ?? length));

    /// <summary>A CLIP's dimensions in words.</summary>
    public static string ClipSizes(ModelPart part)
    {
        var config = ClipTextConfig.Detect(part.Weights, part.Config);
        return $"{config.Layers} layers of width {config.Width}, {config.Vocabulary} tokens";
    }

    /// <summary>T5's dimensions in words.</summary>
    public static string T5Sizes(ModelPart part)
    {
        var config = T5Config.Detect(part.Weights, part.Config);
        return $"{config.Blocks} blocks of width {config.Width}, {config.Vocabulary} tokens";
    }

    private static int Layers(ComponentWeights weights) => NameCount.Consecutive([.. weights.Shapes.Keys], i => $"text_model.encoder.layers.{i}.");
}
