using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Families.Sd3;

/// <summary>Stable Diffusion 3 and 3.5: from its files to a model that runs. Any of the three text encoders may be absent, but not all.</summary>
/// <remarks>Stability-AI/sd3.5, sd3_impls.py (<c>SD3LatentFormat</c>).</remarks>
internal sealed class Sd3Family : ModelFamily
{
    private const double PublishedScale = 1.5305, PublishedShift = 0.0609;

    private static readonly PartKind s_transformer = new("transformer", "transformer", MmDitKeys.Prefixes, MmDitKeys.For);
    private static readonly PartKind s_t5 = TextParts.T5("text_encoder_3");
    private static readonly PartKind s_autoencoder = AutoencoderPart.Kind();

    public override string Name => "Stable Diffusion 3";

    public override IReadOnlyList<FamilyPart> Parts { get; } =
    [
        new(TextParts.ClipL, TextParts.ClipSizes, IsOptional: true), new(TextParts.ClipG, TextParts.ClipSizes, IsOptional: true), new(s_t5, TextParts.T5Sizes, IsOptional: true),
        new(s_transformer, TransformerSizes), new(s_autoencoder, AutoencoderPart.Sizes),
    ];

    public override IReadOnlyList<PublishedFile> Published { get; } =
    [
        new("sd3.5_medium.safetensors", "stabilityai/stable-diffusion-3.5-medium", Sha256: "11fe06e22364b823dfeedc275912336b932b32a293a0b2f35ffac071990cc4de"),
        new("sd3.5_large.safetensors", "stabilityai/stable-diffusion-3.5-large", Sha256: "ffef7a279d9134626e6ce0d494fba84fc1c7e720b3c7df2d19a09dc3796d8f93"),
        new("sd3.5_large_turbo.safetensors", "stabilityai/stable-diffusion-3.5-large-turbo", 16_460_374_454),
        new("sd3_medium_incl_clips_t5xxlfp16.safetensors", "stabilityai/stable-diffusion-3-medium"),
    ];

    protected override PartKind Denoiser => s_transformer;

    protected override SchedulerSettings DefaultScheduler => SchedulerSettings.DiffSynthFlow;

    public override string DefaultSchedulerName => "DiffSynth-Studio's flow schedule, shift 3";

    public override void Check(ModelFiles files)
    {
        base.Check(files);
        var config = MmDitConfig.Detect(Required(files, s_transformer).Weights);
        var (clipL, clipG, t5) = (Clip(files, TextParts.ClipL), Clip(files, TextParts.ClipG), T5(files));
        if (clipL is null && clipG is null && t5 is null)
            throw new DiffSynthException($"'{files.Path}' has no text encoder. Name files with --clip-l, --clip-g and --t5, or put {string.Join(", ", new[] { TextParts.ClipL, TextParts.ClipG, s_t5 }.Select(kind => kind.Published[0].Name))} beside it; `diffsynth models where` says where to get them.");
        if (t5 is not null) Fit(files, s_t5, t5.Width, config.ContextWidth, "text");
        if (clipL is not null && clipG is not null && Pooled(clipL) + Pooled(clipG) != config.PooledWidth)
            throw new DiffSynthException($"CLIP-L gives a vector of {Pooled(clipL)} and CLIP-G of {Pooled(clipG)}, but the transformer takes {config.PooledWidth} in all: they belong to different models.");
        Fit(files, s_autoencoder, AutoencoderPart.ConfigOf(Required(files, s_autoencoder)).LatentChannels, config.Channels, "latents");
    }

    public override IReadOnlyList<string> Missing(ModelFiles files)
        => Parts.Any(part => part.IsOptional && files.Find(part.Kind) is not null) ? base.Missing(files) : ["text encoder (CLIP-L, CLIP-G or T5)", .. base.Missing(files)];

    public override LoadedFamily Load(ModelFiles files, LoadContext context)
    {
        var (autoencoder, config) = (files.Find(s_autoencoder), MmDitConfig.Detect(Required(files, s_transformer).Weights));
        var loaded = new List<IDisposable>();
        try
        {
            var text = context.IsMeasured ? new Sd3TextEncoders(WidthsOf(files, config)) : LoadText(files, config, context, loaded);
            var transformer = context.Load(new MmDit(config), Required(files, s_transformer), s_transformer, loaded);
            var autoencoderNetwork = AutoencoderPart.Load(autoencoder, s_autoencoder, context, loaded);
            var setup = new TransformerSetup(AutoencoderPart.FormatOf(autoencoder, PublishedScale, PublishedShift), SchedulerOf(files), context.Device, context.Mode);
            return new Sd3Model(setup, text, transformer, autoencoderNetwork);
        }
        catch
        {
            foreach (var network in loaded) network.Dispose();
            throw;
        }
    }

    private Sd3TextEncoders LoadText(ModelFiles files, MmDitConfig config, LoadContext context, List<IDisposable> loaded)
        => new(WidthsOf(files, config))
        {
            ClipL = LoadClip(files, TextParts.ClipL, ClipTokenizerOf(files, TextParts.ClipL), context, loaded),
            ClipG = LoadClip(files, TextParts.ClipG, ClipTokenizerOf(files, TextParts.ClipG), context, loaded),
            T5 = T5(files) is { } t5 ? (context.Load(new T5Encoder(t5), files.Find(s_t5)!, s_t5, loaded), T5Tokenizer.Load(TokenizerFiles.FindT5(files.Path, files.Tokenizers))) : null,
        };

    public override FamilyOutline Outline(ModelFiles files)
    {
        var (config, autoencoder) = (MmDitConfig.Detect(Required(files, s_transformer).Weights), files.Find(s_autoencoder));
        var networks = new List<NetworkOutline>();
        var rows = 0L;
        foreach (var kind in new[] { TextParts.ClipL, TextParts.ClipG })
            if (Clip(files, kind) is { } clip)
            {
                networks.Add(TextParts.Outline(clip, kind, projects: true));
                rows = Math.Max(rows, clip.Positions);
            }
        if (T5(files) is { } t5) networks.Add(TextParts.Outline(t5, s_t5, Sd3Model.TextLength));
        NetworkCost Step(PictureOutline picture)
            => MmDitCost.Of(config, picture.Height / config.Patch * (picture.Width / config.Patch), rows + (picture.TextLength ?? Sd3Model.TextLength), picture.Rows);
        networks.Add(new(s_transformer, ModelPhase.Denoise, () => new MmDit(config), Step));
        networks.Add(AutoencoderPart.Outline(autoencoder, s_autoencoder));
        return TransformerFamily.Outline(AutoencoderPart.FormatOf(autoencoder, PublishedScale, PublishedShift), Sd3Model.GuidanceScale, networks);
    }

    private static ClipTokenizer? ClipTokenizerOf(ModelFiles files, PartKind kind) => files.Find(kind) is null ? null
        : kind == TextParts.ClipL ? ClipTokenizer.Load(TokenizerFiles.FindClip(files.Path, files.Tokenizers))
        : ClipTokenizer.Load(TokenizerFiles.FindClipG(files.Path, files.Tokenizers), ClipTokenizer.PaddingOfClipG);

    private static Sd3Clip? LoadClip(ModelFiles files, PartKind kind, ClipTokenizer? tokenizer, LoadContext context, List<IDisposable> loaded)
        => Clip(files, kind) is { } config ? new(context.Load(new ClipTextEncoder(config), files.Find(kind)!, kind, loaded), tokenizer!) : null;

    private static ClipTextConfig? Clip(ModelFiles files, PartKind kind) => files.Find(kind) is { } part ? ClipTextConfig.Detect(part.Weights, part.Config) : null;

    private static T5Config? T5(ModelFiles files) => files.Find(s_t5) is { } part ? T5Config.Detect(part.Weights, part.Config) : null;

    // An absent CLIP's width is what the other leaves of the pooled vector.
    private static Sd3TextWidths WidthsOf(ModelFiles files, MmDitConfig config)
    {
        var published = new Sd3TextWidths();
        var (clipL, clipG) = (Clip(files, TextParts.ClipL)?.Width, Clip(files, TextParts.ClipG)?.Width);
        return new(clipL ?? (clipG is { } big ? config.PooledWidth - big : published.ClipL), clipG ?? config.PooledWidth - (clipL ?? published.ClipL), config.ContextWidth);
    }

    private static long Pooled(ClipTextConfig config) => config.Projection > 0 ? config.Projection : config.Width;

    private static string TransformerSizes(ModelPart part)
    {
        var config = MmDitConfig.Detect(part.Weights);
        var version = config.DualBlocks > 0 ? "3.5 medium" : config.HasNormedHeads ? "3.5" : "3";
        return $"{config.Depth} joint blocks of width {config.Width} ({version}), pictures up to {config.LongestSide * 8} pixels";
    }
}
