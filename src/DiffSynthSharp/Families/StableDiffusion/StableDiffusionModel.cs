using DiffSynthSharp.Adapters.ControlNets;
using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.Control;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Prompts;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Tokenizers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families.StableDiffusion;

/// <summary>Stable Diffusion 1.x: CLIP-L, a U-Net over 4-channel latents, the 8-fold autoencoder.</summary>
internal sealed class StableDiffusionModel : LoadedFamily
{
    /// <summary>What the family is called.</summary>
    public const string FamilyName = "Stable Diffusion 1.x";

    private readonly ClipTextEncoder _text;
    private readonly UNet _unet;
    private readonly AutoencoderKl _autoencoder;
    private readonly ClipTokenizer? _tokenizer;
    private readonly int _side;

    public StableDiffusionModel(
        ClipTextEncoder text, UNet unet, AutoencoderKl autoencoder, ClipTokenizer? tokenizer, LatentFormat latents, int side, SchedulerSettings scheduler, Device device)
    {
        (_text, _unet, _autoencoder, _tokenizer, _side) = (text, unet, autoencoder, tokenizer, side);
        (Latents, Scheduler, Device) = (latents, scheduler, device);
        AdaptedNetworks = [Adapted(unet), Adapted(text)];
    }

    /// <summary>The U-Net as adapters speak of it.</summary>
    public static AdaptedNetwork Adapted(UNet unet) => new("unet", unet, UNetKeys.Diffusers(unet.Config), UNetKeys.DiffSynth(unet.Config));

    /// <summary>The text encoder as adapters speak of it.</summary>
    public static AdaptedNetwork Adapted(ClipTextEncoder text) => new("text_encoder", text, KeyMap.Identity());

    public override string Name => FamilyName;

    public override LatentFormat Latents { get; }

    public override int SizeMultiple => Latents.Reduction;

    public override (int Width, int Height) DefaultSize => (_side, _side);

    public override double DefaultGuidance => Guidance;

    /// <summary>The guidance scale that suits the model.</summary>
    public double Guidance { get; init; } = 7.5;

    public override SchedulerSettings Scheduler { get; }

    public override Device Device { get; }

    public override IReadOnlyList<AdaptedNetwork> AdaptedNetworks { get; }

    public override long ExtraChannels => _unet.Config.InputChannels - Latents.Channels;

    public override Conditioning Encode(string text, PromptReading reading, Action<string> say)
    {
        if (_tokenizer is null) throw new InvalidOperationException("A model of random weights has no tokenizer.");
        return new(new ClipPromptEncoder(_text, _tokenizer, Device).Encode(text, reading, say));
    }

    public override EmbeddingTable LoadEmbeddings(IReadOnlyList<EmbeddingUse> uses) => EmbeddingTable.Load(uses, _text.Config.Vocabulary, _text.Config.Width, Device);

    public override Conditioning Blank() => new(zeros([1, _text.Config.Positions, _text.Config.Width], device: Device));

    public override Tensor Predict(Tensor latents, double timestep, Conditioning text, NetworkInputs inputs)
    {
        using var scope = NewDisposeScope();
        var timesteps = full([latents.shape[0]], timestep, dtype: ScalarType.Float32, device: latents.device);
        var joined = inputs.Channels is { } channels ? cat([latents, channels.expand(latents.shape[0], -1, -1, -1)], 1) : latents;
        var residuals = ActiveControl.Sum(inputs.Controls, latents, timesteps, text.Context, inputs.Tiles, inputs.Unconditional);
        return _unet.Run(joined, timesteps, text.Context, inputs.Tiles, residuals).MoveToOuterDisposeScope();
    }

    public override Posterior EncodePicture(Tensor picture, TileGrid? tiles = null) => _autoencoder.Encode(picture, tiles);

    public override Tensor DecodeLatents(Tensor latents, TileGrid? tiles = null)
    {
        using var unscaled = latents / Latents.Scale;
        return _autoencoder.Decode(unscaled, tiles);
    }

    protected override ControlNet LoadControlNet(string path)
        => ControlNetFile.Load(path, Device, config => ControlNetFit.Check(path, config, _unet.Config, Latents.Channels, Latents.Reduction));

    public override void Dispose()
    {
        base.Dispose();
        _text.Dispose();
        _unet.Dispose();
        _autoencoder.Dispose();
    }
}
