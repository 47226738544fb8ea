using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Families.StableDiffusion;

/// <summary>Stable Diffusion 1.x: from its files to a model that runs.</summary>
internal sealed class StableDiffusionFamily : ModelFamily
{
    /// <summary>The published single files' latent scaling; a folder's autoencoder says its own (diffusers' default is the same).</summary>
    private const double PublishedScale = 0.18215;
    private const int PublishedSide = 512;
    private const double PublishedGuidance = 7.5;
    private const double LargestGuidance = 100;

    /// <summary>What a folder's <c>model_index.json</c> may call the guidance scale that suits the model.</summary>
    public const string GuidanceKey = "_guidance_scale";

    /// <summary>The U-Net.</summary>
    public static readonly PartKind UNetKind = new("U-Net", "unet", ["model.diffusion_model.", ""], UNetKeys.For);
    /// <summary>CLIP-L.</summary>
    public static readonly PartKind TextKind = new("text encoder", "text_encoder", ClipTextKeys.Prefixes, ClipTextKeys.For) { Option = PartOption.ClipL, Vocabulary = TokenizerFiles.Clip };
    private static readonly PartKind s_autoencoder = new("autoencoder", "vae", ["first_stage_model.", ""], AutoencoderKeys.For) { Option = PartOption.Vae };

    public override string Name => "Stable Diffusion 1.x";

    public override bool TakesLoras => true;

    public override IReadOnlyList<FamilyPart> Parts { get; } = [new(TextKind, TextSizes), new(UNetKind, UNetSizes), new(s_autoencoder, AutoencoderSizes)];

    public override IReadOnlyList<PublishedFile> Published { get; } =
        [new("v1-5-pruned-emaonly.safetensors", "stable-diffusion-v1-5/stable-diffusion-v1-5", 4_265_146_304, "6ce0161689b3853acaa03779ec93eafe75a02f4ced659bee03f50797806fa2fa")];

    protected override PartKind Denoiser => UNetKind;

    protected override SchedulerSettings DefaultScheduler { get; } = new();

    public override string DefaultSchedulerName => "DiffSynth-Studio's DDIM";

    // Relatives have the same names: what is missing or too much for this family is for Check to say.
    public override void Check(ModelFiles files)
    {
        var (text, autoencoder) = (Required(files, TextKind), Required(files, s_autoencoder));
        var unet = UNetConfig.Detect(Required(files, UNetKind).Weights.Shapes);
        if (unet.InputChannels is not (4 or 9))
            throw new DiffSynthException($"'{files.Path}' has a U-Net that takes {unet.InputChannels} channels; expected 4, or 9 of an inpainting checkpoint.");
        Fit(files, TextKind, ClipTextConfig.Detect(text.Weights, text.Config).Width, unet.ContextWidth, "text");
        Fit(files, s_autoencoder, AutoencoderConfigOf(autoencoder).LatentChannels, unet.OutputChannels, "latents");
    }

    public override LoadedFamily Load(ModelFiles files, LoadContext context)
    {
        var tokenizer = context.IsMeasured ? null : ClipTokenizer.Load(TokenizerFiles.FindClip(files.Path, files.Tokenizers));
        var (text, unet, autoencoder) = (Required(files, TextKind), Required(files, UNetKind), Required(files, s_autoencoder));
        var loaded = new List<IDisposable>();
        try
        {
            var textNetwork = context.Load(new ClipTextEncoder(ClipTextConfig.Detect(text.Weights, text.Config)), text, TextKind, loaded);
            var unetNetwork = context.Load(new UNet(UNetConfigOf(unet, textNetwork.Network.Config)), unet, UNetKind, loaded);
            var autoencoderNetwork = context.Load(new AutoencoderKl(AutoencoderConfigOf(autoencoder)), autoencoder, s_autoencoder, loaded);
            var latents = LatentsOf(autoencoder, AutoencoderConfigOf(autoencoder));
            var side = SideOf(unet, latents);
            var setup = new StableDiffusionSetup(latents, side, SchedulerOf(files), context.Device, context.Mode);
            return new StableDiffusionModel(setup, textNetwork, tokenizer, unetNetwork, autoencoderNetwork) { Guidance = GuidanceOf(files) };
        }
        catch
        {
            foreach (var network in loaded) network.Dispose();
            throw;
        }
    }

    public override FamilyOutline Outline(ModelFiles files)
    {
        var (text, unet, autoencoder) = (Required(files, TextKind), Required(files, UNetKind), Required(files, s_autoencoder));
        var (textConfig, autoencoderConfig) = (ClipTextConfig.Detect(text.Weights, text.Config), AutoencoderConfigOf(autoencoder));
        var (unetConfig, latents) = (UNetConfigOf(unet, textConfig), LatentsOf(autoencoder, autoencoderConfig));
        var side = SideOf(unet, latents);
        return new(latents, (side, side), latents.Reduction, GuidanceOf(files), TilesBlocks: true,
        [
            TextParts.Outline(textConfig, TextKind, projects: false),
            new(UNetKind, ModelPhase.Denoise, () => new UNet(unetConfig),
                picture => UNetCost.Of(unetConfig, new(picture.Height, picture.Width, textConfig.Positions, picture.Rows, picture.BlockTiles))),
            AutoencoderPart.Outline(autoencoder, s_autoencoder),
        ])
        {
            TakesTurns = mode => mode == MemoryMode.Low,
            DefaultTile = LoadedFamily.TileOfBlocks,
        };
    }

    private static LatentFormat LatentsOf(ModelPart part, AutoencoderConfig config) => new(config.LatentChannels, config.Reduction, part.Config?.Number("scaling_factor") ?? PublishedScale);

    private static int SideOf(ModelPart unet, LatentFormat latents) => (int)(unet.Config?.Whole("sample_size") * latents.Reduction ?? PublishedSide);

    // A key of ours: diffusers leaves out what begins with an underscore.
    private static double GuidanceOf(ModelFiles files)
        => files.Index?.Number(GuidanceKey) switch
        {
            null => PublishedGuidance,
            >= 0 and <= LargestGuidance and var guidance => guidance,
            var other => throw new DiffSynthException($"'{files.Index.Path}': {GuidanceKey} is {other}, expected 0 … {LargestGuidance}."),
        };

    private static string TextSizes(ModelPart part)
    {
        var config = ClipTextConfig.Detect(part.Weights, part.Config);
        return $"{config.Layers} layers of width {config.Width}, {config.Vocabulary} tokens";
    }

    private static string UNetSizes(ModelPart part)
    {
        var config = UNetConfig.Detect(part.Weights.Shapes);
        return $"{config.InputChannels} channels in, widths {string.Join('/', config.Levels.Select(level => level.Channels))}, text width {config.ContextWidth}";
    }

    private static string AutoencoderSizes(ModelPart part)
    {
        var config = AutoencoderConfig.Detect(part.Weights.Shapes);
        return $"{config.LatentChannels} latent channels, widths {string.Join('/', config.Channels)}, {config.Reduction}-fold reduction";
    }

    private static UNetConfig UNetConfigOf(ModelPart part, ClipTextConfig text)
    {
        var config = UNetConfig.Detect(part.Weights.Shapes);
        if (config.ContextWidth != text.Width)
            throw new DiffSynthException($"The U-Net in '{part.Weights.Origin}' takes text of width {config.ContextWidth}, but the text encoder gives {text.Width}: the two belong to different models.");
        return config with
        {
            Heads = part.Config?.Whole("num_attention_heads") ?? part.Config?.Whole("attention_head_dim") ?? config.Heads,
            NormGroups = part.Config?.Whole("norm_num_groups") ?? config.NormGroups,
        };
    }

    private static AutoencoderConfig AutoencoderConfigOf(ModelPart part)
    {
        var config = AutoencoderConfig.Detect(part.Weights.Shapes);
        return config with { NormGroups = part.Config?.Whole("norm_num_groups") ?? config.NormGroups };
    }
}
