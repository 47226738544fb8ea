using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Tokenizers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families.StableDiffusion;

/// <summary>Builds the networks of a Stable Diffusion 1.x model from its files.</summary>
internal static class StableDiffusionLoader
{
    /// <summary>The published single files' latent scaling; a folder's autoencoder says its own (diffusers' default is the same).</summary>
    private const double PublishedScale = 0.18215;
    private const int PublishedSide = 512;
    private const double PublishedGuidance = 7.5;
    private const double LargestGuidance = 100;

    /// <summary>What a folder's <c>model_index.json</c> may call the guidance scale that suits the model.</summary>
    public const string GuidanceKey = "_guidance_scale";

    /// <summary>Makes sure that the files are a complete model that can run, before anything is loaded.</summary>
    /// <exception cref="DiffSynthException">A part is missing, or the U-Net takes channels that nothing is known to fill.</exception>
    public static void Check(StableDiffusionFiles files)
    {
        Required(files, files.TextEncoder, "text encoder");
        Required(files, files.Autoencoder, "autoencoder");
        var channels = UNetConfig.Detect(Required(files, files.UNet, "U-Net").Weights.Shapes).InputChannels;
        if (channels is not (4 or 9))
            throw new DiffSynthException($"'{files.Path}' has a U-Net that takes {channels} channels; expected 4, or 9 of an inpainting checkpoint.");
    }

    /// <param name="files">The files; they may be closed afterwards.</param>
    /// <param name="tokenizer">The CLIP tokenizer.</param>
    /// <param name="device">Where the weights go.</param>
    /// <param name="progress">Told (done, total) tensors.</param>
    /// <exception cref="DiffSynthException">A part or a tensor is missing, unknown or of another shape.</exception>
    public static StableDiffusionModel Load(StableDiffusionFiles files, ClipTokenizer tokenizer, Device device, Action<int, int>? progress)
    {
        var (text, unet, autoencoder) = (Required(files, files.TextEncoder, "text encoder"), Required(files, files.UNet, "U-Net"), Required(files, files.Autoencoder, "autoencoder"));
        var total = text.Weights.Shapes.Count + unet.Weights.Shapes.Count + autoencoder.Weights.Shapes.Count;
        var done = 0;
        void Loaded() => progress?.Invoke(++done, total);

        var textNetwork = new ClipTextEncoder(ClipTextConfig.Detect(text.Weights, text.Config));
        var unetNetwork = new UNet(UNetConfigOf(unet, textNetwork.Config));
        var autoencoderNetwork = new AutoencoderKl(AutoencoderConfigOf(autoencoder));
        try
        {
            WeightLoader.Fill(textNetwork, text.Weights, "text encoder", device, Loaded);
            WeightLoader.Fill(unetNetwork, unet.Weights, "U-Net", device, Loaded);
            WeightLoader.Fill(autoencoderNetwork, autoencoder.Weights, "autoencoder", device, Loaded);
        }
        catch
        {
            textNetwork.Dispose();
            unetNetwork.Dispose();
            autoencoderNetwork.Dispose();
            throw;
        }
        CachingAllocator.Trim(); // what arranging the weights left behind
        var latents = new LatentFormat(autoencoderNetwork.Config.LatentChannels, autoencoderNetwork.Config.Reduction, autoencoder.Config?.Number("scaling_factor") ?? PublishedScale);
        var side = (int)(unet.Config?.Whole("sample_size") * latents.Reduction ?? PublishedSide);
        return new StableDiffusionModel(textNetwork, unetNetwork, autoencoderNetwork, tokenizer, latents, side, SchedulerOf(files), device)
        {
            Guidance = GuidanceOf(files),
        };
    }

    /// <summary>The folder's own noise schedule, else DiffSynth-Studio's.</summary>
    public static SchedulerSettings SchedulerOf(StableDiffusionFiles files)
        => files.Scheduler is { } scheduler ? SchedulerSettings.FromDiffusers(scheduler.Root) : new();

    // A key of ours: diffusers leaves out what begins with an underscore.
    private static double GuidanceOf(StableDiffusionFiles files)
        => files.Index?.Number(GuidanceKey) switch
        {
            null => PublishedGuidance,
            >= 0 and <= LargestGuidance and var guidance => guidance,
            var other => throw new DiffSynthException($"'{files.Index.Path}': {GuidanceKey} is {other}, expected 0 … {LargestGuidance}."),
        };

    /// <summary>A text encoder's sizes in words.</summary>
    public static string TextSizes(ModelPart part)
    {
        var config = ClipTextConfig.Detect(part.Weights, part.Config);
        return $"{config.Layers} layers of width {config.Width}, {config.Vocabulary} tokens";
    }

    /// <summary>A U-Net's sizes in words.</summary>
    public static string UNetSizes(ModelPart part)
    {
        var config = UNetConfig.Detect(part.Weights.Shapes);
        return $"{config.InputChannels} channels in, widths {string.Join('/', config.Levels.Select(level => level.Channels))}, text width {config.ContextWidth}";
    }

    /// <summary>An autoencoder's sizes in words.</summary>
    public static string AutoencoderSizes(ModelPart part)
    {
        var config = AutoencoderConfig.Detect(part.Weights.Shapes);
        return $"{config.LatentChannels} latent channels, widths {string.Join('/', config.Channels)}, {config.Reduction}-fold reduction";
    }

    private static ModelPart Required(StableDiffusionFiles files, ModelPart? part, string name) => part ?? throw new DiffSynthException(
        $"'{files.Path}' holds no {name} of Stable Diffusion 1.x. {FamilySigns.Describe(files.Entries.Select(entry => entry.Name))} `diffsynth inspect` lists what it holds.");

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
