using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Tokenizers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families.StableDiffusion;

/// <summary>Stable Diffusion 1.x: CLIP-L, a U-Net over 4-channel latents, the 8-fold autoencoder.</summary>
internal sealed class StableDiffusionModel : LoadedFamily
{
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
    }

    public override string Name => "Stable Diffusion 1.x";

    public override LatentFormat Latents { get; }

    public override int SizeMultiple => Latents.Reduction;

    public override (int Width, int Height) DefaultSize => (_side, _side);

    public override double DefaultGuidance => Guidance;

    /// <summary>The guidance scale that suits the model.</summary>
    public double Guidance { get; init; } = 7.5;

    public override SchedulerSettings Scheduler { get; }

    public override Device Device { get; }

    public override long ExtraChannels => _unet.Config.InputChannels - Latents.Channels;

    /// <remarks>Long prompts: rows of 77 tokens, each encoded by itself, joined along the sequence (DiffSynth-Studio, SDPrompter).</remarks>
    public override Conditioning Encode(string prompt, int clipSkip, bool cutLong, Action<string> say)
    {
        if (clipSkip < 1 || clipSkip > _text.Config.Layers)
            throw new DiffSynthException($"A clip skip of {clipSkip} doesn't fit: this text encoder has {_text.Config.Layers} layers, so 1 (the last) … {_text.Config.Layers}.");
        using var scope = NewDisposeScope();
        var ids = Ids(prompt, cutLong, say); // (rows, 77)
        var hidden = _text.forward(ids).Hidden[^clipSkip];
        return new(_text.Norm(hidden).reshape(1, ids.numel(), _text.Config.Width).MoveToOuterDisposeScope());
    }

    private Tensor Ids(string prompt, bool cutLong, Action<string> say)
    {
        var length = (int)_text.Config.Positions;
        if (_tokenizer is null) throw new InvalidOperationException("A model of random weights has no tokenizer.");
        var tokens = cutLong ? _tokenizer.OneRow(prompt, length) : _tokenizer.Rows(prompt, length);
        if (tokens.CutTokens > 0) say($"The prompt is {tokens.CutTokens} tokens too long; its end was left out.");
        if (tokens.Rows.Count > 1) say($"The prompt is longer than {length} tokens and is encoded in {tokens.Rows.Count} rows.");
        var largest = tokens.Rows.Max(row => row.Max());
        if (largest >= _text.Config.Vocabulary)
            throw new DiffSynthException($"The tokenizer gives id {largest}, but the text encoder knows {_text.Config.Vocabulary} tokens: the tokenizer belongs to another model.");
        return tensor(tokens.Rows.SelectMany(row => row).Select(id => (long)id).ToArray(), [tokens.Rows.Count, length]).to(Device);
    }

    public override Conditioning Blank() => new(zeros([1, _text.Config.Positions, _text.Config.Width], device: Device));

    public override Tensor Predict(Tensor latents, double timestep, Tensor context, NetworkInputs inputs)
    {
        using var scope = NewDisposeScope();
        var timesteps = full([latents.shape[0]], timestep, dtype: ScalarType.Float32, device: latents.device);
        var joined = inputs.Channels is { } channels ? cat([latents, channels.expand(latents.shape[0], -1, -1, -1)], 1) : latents;
        return _unet.Run(joined, timesteps, context, inputs.Tiles).MoveToOuterDisposeScope();
    }

    public override Posterior EncodePicture(Tensor picture, TileGrid? tiles = null) => _autoencoder.Encode(picture, tiles);

    public override Tensor DecodeLatents(Tensor latents, TileGrid? tiles = null)
    {
        using var unscaled = latents / Latents.Scale;
        return _autoencoder.Decode(unscaled, tiles);
    }

    public override void Dispose()
    {
        _text.Dispose();
        _unet.Dispose();
        _autoencoder.Dispose();
    }
}
