using DiffSynthSharp.Adapters.ControlNets;
using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Memory;
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

/// <summary>What a Stable Diffusion 1.x model's files and options say.</summary>
/// <param name="Latents">How latents relate to pictures.</param>
/// <param name="Side">Pixels of the picture's sides when nothing is asked for.</param>
/// <param name="Scheduler">Noise schedule and sampler.</param>
/// <param name="Device">Where the networks are.</param>
/// <param name="Mode">How their weights are kept.</param>
internal sealed record StableDiffusionSetup(LatentFormat Latents, int Side, SchedulerSettings Scheduler, Device Device, MemoryMode Mode);

/// <summary>Stable Diffusion 1.x: CLIP-L, a U-Net over 4-channel latents, the 8-fold autoencoder.</summary>
internal sealed class StableDiffusionModel : LoadedFamily
{
    /// <summary>What the family is called.</summary>
    public const string FamilyName = "Stable Diffusion 1.x";

    private readonly StableDiffusionSetup _setup;
    private readonly ResidentNetwork<ClipTextEncoder> _text;
    private readonly ResidentNetwork<UNet> _unet;
    private readonly ResidentNetwork<AutoencoderKl> _autoencoder;
    private readonly ClipTokenizer? _tokenizer;
    private readonly ClipTextConfig _textConfig;
    private readonly UNetConfig _unetConfig;

    /// <param name="setup">What its files and options say.</param>
    /// <param name="text">Owned by the model.</param>
    /// <param name="tokenizer">Null where only speed and memory are measured, without a prompt.</param>
    /// <param name="unet">Owned by the model.</param>
    /// <param name="autoencoder">Owned by the model.</param>
    public StableDiffusionModel(
        StableDiffusionSetup setup, ResidentNetwork<ClipTextEncoder> text, ClipTokenizer? tokenizer, ResidentNetwork<UNet> unet, ResidentNetwork<AutoencoderKl> autoencoder)
    {
        (_setup, _text, _tokenizer, _unet, _autoencoder) = (setup, text, tokenizer, unet, autoencoder);
        (_textConfig, _unetConfig) = (text.Network.Config, unet.Network.Config);
        AdaptedNetworks = [Adapted(unet.Network), Adapted(text.Network)];
    }

    /// <summary>The U-Net as adapters speak of it.</summary>
    public static AdaptedNetwork Adapted(UNet unet) => new("unet", unet, UNetKeys.Diffusers(unet.Config), UNetKeys.DiffSynth(unet.Config));

    /// <summary>The text encoder as adapters speak of it.</summary>
    public static AdaptedNetwork Adapted(ClipTextEncoder text) => new("text_encoder", text, KeyMap.Identity());

    public override string Name => FamilyName;

    public override LatentFormat Latents => _setup.Latents;

    public override int SizeMultiple => Latents.Reduction;

    public override (int Width, int Height) DefaultSize => (_setup.Side, _setup.Side);

    public override double DefaultGuidance => Guidance;

    /// <summary>The guidance scale that suits the model.</summary>
    public double Guidance { get; init; } = 7.5;

    public override SchedulerSettings Scheduler => _setup.Scheduler;

    public override Device Device => _setup.Device;

    public override MemoryMode Mode => _setup.Mode;

    public override IReadOnlyList<AdaptedNetwork> AdaptedNetworks { get; }

    public override long ExtraChannels => _unetConfig.InputChannels - Latents.Channels;

    public override Conditioning Encode(string text, PromptReading reading, Action<string> say)
    {
        if (_tokenizer is null) throw new InvalidOperationException("A model that is only measured has no tokenizer.");
        return new(new ClipPromptEncoder(_text.Network, _tokenizer, Device).Encode(text, reading, say));
    }

    public override EmbeddingTable LoadEmbeddings(IReadOnlyList<EmbeddingUse> uses) => EmbeddingTable.Load(uses, _textConfig.Vocabulary, _textConfig.Width, Device);

    public override Conditioning Blank() => new(zeros([1, _textConfig.Positions, _textConfig.Width], device: Device));

    public override Tensor Predict(Tensor latents, double timestep, Conditioning text, NetworkInputs inputs)
    {
        using var scope = NewDisposeScope();
        var timesteps = full([latents.shape[0]], timestep, dtype: ScalarType.Float32, device: latents.device);
        var joined = inputs.Channels is { } channels ? cat([latents, channels.expand(latents.shape[0], -1, -1, -1)], 1) : latents;
        var residuals = ActiveControl.Sum(inputs.Controls, latents, timesteps, text.Context, inputs.Tiles, inputs.Unconditional);
        return _unet.Network.Run(joined, timesteps, text.Context, inputs.Tiles, residuals).MoveToOuterDisposeScope();
    }

    public override DiskUse DiskUse => new(_unet.Waited, _unet.BytesRead);

    // In the other modes all three stay: together they take no more than their files, or than was found to fit.
    public override void Begin(ModelPhase phase)
    {
        if (_setup.Mode != MemoryMode.Low) return;
        if (phase != ModelPhase.Encode) _text.Release();
        if (phase != ModelPhase.Denoise) _unet.Release();
        if (phase == ModelPhase.Encode) _autoencoder.Release();
    }

    public override Posterior EncodePicture(Tensor picture, TileGrid? tiles = null) => _autoencoder.Network.Encode(picture, tiles);

    public override Tensor DecodeLatents(Tensor latents, TileGrid? tiles = null)
    {
        using var unscaled = latents / Latents.Scale;
        return _autoencoder.Network.Decode(unscaled, tiles);
    }

    protected override ControlNet LoadControlNet(string path)
        => ControlNetFile.Load(path, Device, config => ControlNetFit.Check(path, config, _unetConfig, Latents.Channels, Latents.Reduction));

    public override void Dispose()
    {
        base.Dispose();
        _text.Dispose();
        _unet.Dispose();
        _autoencoder.Dispose();
    }
}
