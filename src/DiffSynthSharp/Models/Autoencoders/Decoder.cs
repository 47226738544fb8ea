using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Autoencoders;

/// <summary>Latents to picture.</summary>
/// <remarks>ldm/modules/diffusionmodules/model.py, Decoder. Level 0 is the full resolution and runs last.</remarks>
internal sealed class Decoder : nn.Module<Tensor, Tensor>
{
    [Key("conv_in")] private readonly Conv2d _input;
    [Key("mid")] private readonly Middle _middle;
    [Key("up")] private readonly ModuleList<Level> _up;
    [Key("norm_out")] private readonly GroupNorm _norm;
    [Key("conv_out")] private readonly Conv2d _output;

    public Decoder(AutoencoderConfig config) : base(nameof(Decoder))
    {
        var channels = config.Channels;
        _input = new Conv2d(config.LatentChannels, channels[^1], 3, padding: 1);
        _middle = new Middle(channels[^1], config.NormGroups);
        _up = new ModuleList<Level>([.. channels.Select((_, i) => new Level(config, i))]);
        _norm = new GroupNorm(config.NormGroups, channels[0], 1e-6);
        _output = new Conv2d(channels[0], config.PictureChannels, 3, padding: 1);
        RegisterComponents();
    }

    /// <param name="latents">(B, C, h, w)</param>
    /// <returns>(B, 3, H, W)</returns>
    public override Tensor forward(Tensor latents)
    {
        using var input = _input.forward(latents);
        var h = _middle.forward(input);
        foreach (var level in _up.Reverse())
        {
            using var previous = h;
            h = level.forward(previous);
        }
        using var last = h;
        using var normed = _norm.forward(last);
        using var active = nn.functional.silu(normed);
        return _output.forward(active);
    }

    private sealed class Level : nn.Module<Tensor, Tensor>
    {
        [Key("block")] private readonly ModuleList<ResnetBlock> _blocks;
        [Key("upsample")] private readonly Upsample? _upsample;

        public Level(AutoencoderConfig config, int level) : base(nameof(Level))
        {
            long inputs = config.Channels[Math.Min(config.Channels.Count - 1, level + 1)], outputs = config.Channels[level];
            _blocks = new ModuleList<ResnetBlock>(
                [.. Enumerable.Range(0, config.BlocksPerLevel + 1).Select(i => new ResnetBlock(i == 0 ? inputs : outputs, outputs, config.NormGroups))]);
            _upsample = level > 0 ? new Upsample(outputs) : null;
            RegisterComponents();
        }

        // Maps are large here: each is freed as soon as the next one stands.
        public override Tensor forward(Tensor x)
        {
            var h = x.alias();
            foreach (var block in _blocks)
            {
                using var previous = h;
                h = block.forward(previous);
            }
            if (_upsample is null) return h;
            using (h) return _upsample.forward(h);
        }
    }

    /// <summary>Doubles the map by nearest neighbour, then convolves.</summary>
    private sealed class Upsample : nn.Module<Tensor, Tensor>
    {
        [Key("conv")] private readonly Conv2d _convolution;

        public Upsample(long channels) : base(nameof(Upsample))
        {
            _convolution = new Conv2d(channels, channels, 3, padding: 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var larger = nn.functional.interpolate(x, [2 * x.shape[2], 2 * x.shape[3]], mode: InterpolationMode.Nearest);
            return _convolution.forward(larger);
        }
    }
}
