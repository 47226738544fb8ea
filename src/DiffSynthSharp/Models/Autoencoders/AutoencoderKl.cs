using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Autoencoders;

/// <summary>Sizes of the autoencoder between pictures and latents.</summary>
/// <param name="Channels">Width of each level, from full resolution downwards; each but the last halves the sides.</param>
/// <param name="BlocksPerLevel">Residual blocks of the encoder's levels; one more in the decoder.</param>
/// <param name="LatentChannels">Channels of the latents.</param>
/// <param name="NormGroups">Groups of the group norms.</param>
/// <param name="PictureChannels">Channels of the picture.</param>
/// <param name="MixesLatents">Whether a 1×1 convolution stands between the encoder and the latents, and another between them and the decoder; the 16-channel
/// autoencoders of FLUX.1 and Stable Diffusion 3 have none.</param>
internal sealed record AutoencoderConfig(
    IReadOnlyList<long> Channels, int BlocksPerLevel, long LatentChannels, long NormGroups = 32, long PictureChannels = 3, bool MixesLatents = true)
{
    /// <summary>Picture pixels per latent cell, along a side.</summary>
    public int Reduction => 1 << (Channels.Count - 1);

    /// <summary>Every size that shapes tell, under ldm's names without a prefix.</summary>
    public static AutoencoderConfig Detect(IReadOnlyDictionary<string, long[]> shapes)
    {
        var channels = new List<long>();
        while (shapes.TryGetValue($"encoder.down.{channels.Count}.block.0.conv1.weight", out var convolution)) channels.Add(convolution[0]);
        var blocks = 0;
        while (shapes.ContainsKey($"encoder.down.0.block.{blocks}.conv1.weight")) blocks++;
        var input = shapes["encoder.conv_in.weight"];
        return new(channels, blocks, shapes["decoder.conv_in.weight"][1], PictureChannels: input[1], MixesLatents: shapes.ContainsKey("quant_conv.weight"));
    }
}

/// <summary>What the encoder says about a picture: a Gaussian per latent value.</summary>
/// <param name="Mean">(B, C, h, w)</param>
/// <param name="LogVariance">(B, C, h, w), clamped to −30 … 20</param>
internal readonly record struct Posterior(Tensor Mean, Tensor LogVariance)
{
    /// <summary>Splits the encoder's moments: first half of the channels the mean, second the log-variance.</summary>
    /// <param name="moments">(B, 2C, h, w)</param>
    public static Posterior FromMoments(Tensor moments)
    {
        using var scope = NewDisposeScope();
        var halves = moments.chunk(2, 1);
        return new(halves[0].contiguous().MoveToOuterDisposeScope(), halves[1].clamp(-30, 20).contiguous().MoveToOuterDisposeScope());
    }

    /// <summary>The standard deviation, (B, C, h, w).</summary>
    public Tensor Deviation()
    {
        using var half = LogVariance * 0.5;
        return half.exp();
    }

    /// <summary><c>mean + std · noise</c></summary>
    /// <param name="noise">(B, C, h, w) standard normal</param>
    public Tensor Sample(Tensor noise)
    {
        using var deviation = Deviation();
        using var spread = deviation * noise;
        return Mean + spread;
    }
}

/// <summary>The variational autoencoder of latent diffusion.</summary>
/// <remarks>CompVis/stable-diffusion, ldm/models/autoencoder.py, AutoencoderKL, and ldm/modules/diffusionmodules/model.py; keys below <c>first_stage_model</c>.
/// Without the convolutions at the latents: black-forest-labs/flux, src/flux/modules/autoencoder.py, AutoEncoder.</remarks>
internal sealed class AutoencoderKl : nn.Module<Tensor, Tensor>
{
    [Key("encoder")] private readonly Encoder _encoder;
    [Key("decoder")] private readonly Decoder _decoder;
    [Key("quant_conv")] private readonly Conv2d? _quantize;
    [Key("post_quant_conv")] private readonly Conv2d? _dequantize;

    public AutoencoderKl(AutoencoderConfig config) : base(nameof(AutoencoderKl))
    {
        Config = config;
        _encoder = new Encoder(config);
        _decoder = new Decoder(config);
        _quantize = config.MixesLatents ? new Conv2d(2 * config.LatentChannels, 2 * config.LatentChannels, 1) : null;
        _dequantize = config.MixesLatents ? new Conv2d(config.LatentChannels, config.LatentChannels, 1) : null;
        RegisterComponents();
    }

    public AutoencoderConfig Config { get; }

    /// <summary>Picture to latents, unscaled.</summary>
    /// <param name="picture">(B, 3, H, W) in −1 … 1; H and W multiples of the reduction</param>
    /// <param name="tiles">In pixels; null encodes the whole picture at once.</param>
    public Posterior Encode(Tensor picture, TileGrid? tiles = null)
    {
        using var moments = tiles is { } grid ? Tiles.Run(picture, grid, Moments) : Moments(picture);
        return Posterior.FromMoments(moments);
    }

    /// <summary>Latents to picture.</summary>
    /// <param name="latents">(B, C, h, w), unscaled</param>
    /// <param name="tiles">In latent cells; null decodes the whole map at once.</param>
    /// <returns>(B, 3, H, W), roughly −1 … 1, not clipped</returns>
    public Tensor Decode(Tensor latents, TileGrid? tiles = null) => tiles is { } grid ? Tiles.Run(latents, grid, Picture) : Picture(latents);

    private Tensor Moments(Tensor picture)
    {
        var features = _encoder.forward(picture);
        if (_quantize is null) return features;
        using (features) return _quantize.forward(features);
    }

    private Tensor Picture(Tensor latents)
    {
        using var channelsLast = latents.ToChannelsLast();
        using var features = _dequantize is null ? channelsLast.alias() : _dequantize.forward(channelsLast);
        return _decoder.forward(features);
    }

    public override Tensor forward(Tensor picture)
    {
        var posterior = Encode(picture);
        posterior.LogVariance.Dispose();
        using var mean = posterior.Mean;
        return Decode(mean);
    }
}
