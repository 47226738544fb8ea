using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Families.Flux;

/// <summary>FLUX.1 dev and schnell: from its files to a model that runs.</summary>
/// <remarks>black-forest-labs/flux, src/flux/util.py; the scaling and the shift of latents are those of its <c>ae_params</c>.</remarks>
internal sealed class FluxFamily : ModelFamily
{
    private const double PublishedScale = 0.3611, PublishedShift = 0.1159;

    private static readonly PartKind s_transformer = new("transformer", "transformer", FluxKeys.Prefixes, FluxKeys.For);
    private static readonly PartKind s_t5 = TextParts.T5("text_encoder_2");
    private static readonly PartKind s_autoencoder = AutoencoderPart.Kind(new PublishedFile("ae.safetensors", "black-forest-labs/FLUX.1-schnell", 335_304_388, "afc8e28272cd15db3919bacdb6918ce9c1ed22e96cb12c4d5ed0fba823529e38"));

    public override string Name => "FLUX.1";

    public override IReadOnlyList<FamilyPart> Parts { get; } =
        [new(TextParts.ClipL, TextParts.ClipSizes), new(s_t5, TextParts.T5Sizes), new(s_transformer, TransformerSizes), new(s_autoencoder, AutoencoderPart.Sizes)];

    public override IReadOnlyList<PublishedFile> Published { get; } =
    [
        new("flux1-dev.safetensors", "black-forest-labs/FLUX.1-dev", 23_802_932_552, "4610115bb0c89560703c892c59ac2742fa821e60ef5871b33493ba544683abd7"),
        new("flux1-schnell.safetensors", "black-forest-labs/FLUX.1-schnell", 23_782_506_688, "9403429e0052277ac2a87ad800adece5481eecefd9ed334e1f348723621d2a0a"),
    ];

    protected override PartKind Denoiser => s_transformer;

    protected override SchedulerSettings DefaultScheduler => SchedulerSettings.DiffSynthFlow;

    public override string DefaultSchedulerName => "DiffSynth-Studio's flow schedule, shift 3";

    /// <inheritdoc/>
    /// <remarks>huggingface/diffusers, pipeline_flux.py: the pipeline makes a list of its own, which ends one step above no noise.</remarks>
    public override SchedulerSettings SchedulerOf(ModelFiles files)
    {
        var settings = base.SchedulerOf(files);
        return files.Scheduler is not null && settings.Flow is { } flow ? settings with { Flow = flow with { End = FlowEnd.OneStep } } : settings;
    }

    public override void Check(ModelFiles files)
    {
        base.Check(files);
        var (config, clip, t5) = (ConfigOf(files), ClipConfig(files), T5Config.Detect(Required(files, s_t5).Weights, Required(files, s_t5).Config));
        if (config.OtherKind is { } other) throw new DiffSynthException($"'{files.Path}' is {other}, a relative of FLUX.1 that this version can't run.");
        Fit(files, TextParts.ClipL, clip.Width, config.PooledWidth, "a vector");
        Fit(files, s_t5, t5.Width, config.ContextWidth, "text");
        var latents = AutoencoderPart.ConfigOf(Required(files, s_autoencoder)).LatentChannels;
        Fit(files, s_autoencoder, latents, config.LatentChannels, "latents");
    }

    public override LoadedFamily Load(ModelFiles files, LoadContext context)
    {
        var autoencoder = files.Find(s_autoencoder);
        var loaded = new List<IDisposable>();
        try
        {
            var text = context.IsMeasured ? null : LoadText(files, context, loaded);
            var transformer = context.Load(new FluxTransformer(ConfigOf(files)), Required(files, s_transformer), s_transformer, loaded);
            var autoencoderNetwork = AutoencoderPart.Load(autoencoder, s_autoencoder, context, loaded);
            var setup = new TransformerSetup(AutoencoderPart.FormatOf(autoencoder, PublishedScale, PublishedShift), SchedulerOf(files), context.Device, context.Mode);
            return new FluxModel(setup, text, transformer, autoencoderNetwork);
        }
        catch
        {
            foreach (var network in loaded) network.Dispose();
            throw;
        }
    }

    private FluxText LoadText(ModelFiles files, LoadContext context, List<IDisposable> loaded)
    {
        var clipTokenizer = ClipTokenizer.Load(TokenizerFiles.FindClip(files.Path, files.Tokenizers));
        var t5Tokenizer = T5Tokenizer.Load(TokenizerFiles.FindT5(files.Path, files.Tokenizers));
        var t5 = Required(files, s_t5);
        var clipNetwork = context.Load(new ClipTextEncoder(ClipConfig(files)), Required(files, TextParts.ClipL), TextParts.ClipL, loaded);
        return new(clipNetwork, clipTokenizer, context.Load(new T5Encoder(T5Config.Detect(t5.Weights, t5.Config)), t5, s_t5, loaded), t5Tokenizer);
    }

    public override FamilyOutline Outline(ModelFiles files)
    {
        var (config, autoencoder, networks) = (ConfigOf(files), files.Find(s_autoencoder), new List<NetworkOutline>());
        var length = FluxModel.LengthOf(config);
        NetworkCost Step(PictureOutline picture)
            => FluxCost.Of(config, picture.Height / FluxConfig.Patch * (picture.Width / FluxConfig.Patch), picture.TextLength ?? length, picture.Rows);
        if (files.Find(TextParts.ClipL) is not null) networks.Add(TextParts.Outline(ClipConfig(files), TextParts.ClipL, projects: false));
        if (files.Find(s_t5) is { } t5) networks.Add(TextParts.Outline(T5Config.Detect(t5.Weights, t5.Config), s_t5, length));
        networks.Add(new(s_transformer, ModelPhase.Denoise, () => new FluxTransformer(config), Step));
        networks.Add(AutoencoderPart.Outline(autoencoder, s_autoencoder));
        return TransformerFamily.Outline(AutoencoderPart.FormatOf(autoencoder, PublishedScale, PublishedShift), FluxModel.GuidanceScale, networks);
    }

    private FluxConfig ConfigOf(ModelFiles files) => FluxConfig.Detect(Required(files, s_transformer).Weights.Shapes);

    private ClipTextConfig ClipConfig(ModelFiles files) => ClipTextConfig.Detect(Required(files, TextParts.ClipL).Weights, Required(files, TextParts.ClipL).Config);

    private static string TransformerSizes(ModelPart part)
    {
        var config = FluxConfig.Detect(part.Weights.Shapes);
        return $"{config.DoubleBlocks} double and {config.SingleBlocks} single blocks of width {config.Width}, {(config.HasGuidance ? "told the guidance (dev)" : "not told the guidance (schnell)")}"
            + (config.OtherKind is { } other ? $"; {other}, not supported" : "");
    }
}
