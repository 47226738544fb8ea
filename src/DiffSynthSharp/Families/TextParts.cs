using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Tokenizers;
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
        Vocabulary = TokenizerFiles.Clip,
        Published = [new("clip_l.safetensors", "comfyanonymous/flux_text_encoders", 246_144_152, "660c6f5b1abae9dc498ac2d21e1347d2abdb0cf6c0c0c8576cd796491d9a6cdd")],
        IsIt = weights => Layers(weights) <= LayersOfClipL,
    };

    /// <summary>CLIP-G.</summary>
    public static PartKind ClipG { get; } = new("CLIP-G text encoder", "text_encoder_2", ClipTextKeys.BigPrefixes, ClipTextKeys.For)
    {
        Option = PartOption.ClipG,
        Vocabulary = TokenizerFiles.Clip,
        Published = [new("clip_g.safetensors", "stabilityai/stable-diffusion-3-medium/text_encoders", 1_389_382_176, "ec310df2af79c318e24d20511b601a591ca8cd4f1fce1d8dff822a356bcdb1f4")],
        IsIt = weights => Layers(weights) > LayersOfClipL || weights.Shapes.ContainsKey("text_projection.weight"),
    };

    /// <summary>T5 v1.1's encoder.</summary>
    /// <param name="folder">The sub-folder that a family's diffusers folders have it in.</param>
    public static PartKind T5(string folder) => new("T5 text encoder", folder, T5Keys.Prefixes, T5Keys.For)
    {
        Option = PartOption.T5,
        Vocabulary = TokenizerFiles.T5,
        Published =
        [
            new("t5xxl_fp16.safetensors", "comfyanonymous/flux_text_encoders", 9_787_841_024, "6e480b09fae049a72d2a8c5fbccb8d3e92febeb233bbe9dfe7256958a9167635"),
            new("t5xxl_fp8_e4m3fn.safetensors", "comfyanonymous/flux_text_encoders", 4_893_934_904, "7d330da4816157540d6bb7838bf63a0f02f573fc48ca4d8de34bb0cbfd514f09"),
            new("t5xxl_fp8_e4m3fn_scaled.safetensors", "comfyanonymous/flux_text_encoders", 5_157_348_688, "a498f0485dc9536735258018417c3fd7758dc3bccc0a645feaa472b34955557a"),
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
