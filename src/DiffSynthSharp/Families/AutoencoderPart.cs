using DiffSynthSharp.Memory;
using DiffSynthSharp.Models.Autoencoders;

namespace DiffSynthSharp.Families;

/// <summary>The autoencoder of latents with a shift, as FLUX.1 and Stable Diffusion 3 have it.</summary>
internal static class AutoencoderPart
{
    /// <param name="published">Files that hold it alone.</param>
    public static PartKind Kind(params PublishedFile[] published) => new("autoencoder", "vae", ["first_stage_model.", "vae.", ""], AutoencoderKeys.For)
    {
        Option = PartOption.Vae,
        Published = published,
    };

    /// <summary>The published sizes.</summary>
    public static AutoencoderConfig Published { get; } = new([128, 256, 512, 512], 2, 16) { MixesLatents = false };

    /// <summary>Loads it, or one of random weights where it is missing and only the denoising network is measured.</summary>
    public static ResidentNetwork<AutoencoderKl> Load(ModelPart? part, PartKind kind, LoadContext context, List<IDisposable> owned) => part is null && context.IsMeasured
        ? context.LoadRandom(new AutoencoderKl(Published), owned) : context.Load(new AutoencoderKl(ConfigOf(part!)), part!, kind, owned);

    /// <summary>Its sizes: from shapes, and from the folder's configuration what they don't say.</summary>
    public static AutoencoderConfig ConfigOf(ModelPart part)
    {
        var config = AutoencoderConfig.Detect(part.Weights.Shapes);
        return config with { NormGroups = part.Config?.Whole("norm_num_groups") ?? config.NormGroups };
    }

    /// <summary>Its dimensions in words.</summary>
    public static string Sizes(ModelPart part)
    {
        var config = AutoencoderConfig.Detect(part.Weights.Shapes);
        return $"{config.LatentChannels} latent channels, widths {string.Join('/', config.Channels)}, {config.Reduction}-fold reduction";
    }

    /// <summary>The part before it is loaded; the published one where it is missing.</summary>
    public static NetworkOutline Outline(ModelPart? part, PartKind kind)
    {
        var config = part is null ? Published : ConfigOf(part);
        return new(kind, ModelPhase.Decode, () => new AutoencoderKl(config), picture => DecoderCost.Of(config, picture.Height, picture.Width));
    }

    /// <summary>How its latents relate to a family's.</summary>
    /// <param name="part">The part, null for the published; a folder's configuration says its own scaling.</param>
    /// <param name="scale">The family's published scaling.</param>
    /// <param name="shift">The family's published shift.</param>
    public static LatentFormat FormatOf(ModelPart? part, double scale, double shift)
    {
        var config = part is null ? Published : ConfigOf(part);
        return new(config.LatentChannels, config.Reduction, part?.Config?.Number("scaling_factor") ?? scale, part?.Config?.Number("shift_factor") ?? shift);
    }
}
