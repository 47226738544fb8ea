using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Autoencoders;

/// <summary>Picture to moments.</summary>
/// <remarks>ldm/modules/diffusionmodules/model.py, Encoder.</remarks>
internal sealed class Encoder : nn.Module<Tensor, Tensor>
{
    [Key("conv_in")] private readonly Conv2d _input;
    [Key("down")] private readonly ModuleList<Level> _down;
    [Key("mid")] private readonly Middle _middle;
    [Key("norm_out")] private readonly GroupNorm _norm;
    [Key("conv_out")] private readonly Conv2d _output;

    public Encoder(AutoencoderConfig config) : base(nameof(Encoder))
    {
        var channels = config.Channels;
        _input = new Conv2d(config.PictureChannels, channels[0], 3, padding: 1);
        _down = new ModuleList<Level>([.. channels.Select((_, i) => new Level(config, i))]);
        _middle = new Middle(channels[^1], config.NormGroups);
        _norm = new GroupNorm(config.NormGroups, channels[^1], 1e-6);
        _output = new Conv2d(channels[^1], 2 * config.LatentChannels, 3, padding: 1);
        RegisterComponents();
    }

    /// <param name="picture">(B, 3, H, W)</param>
    /// <returns>(B, 2C, h, w)</returns>
    public override Tensor forward(Tensor picture)
    {
        using var scope = NewDisposeScope();
        var h = _input.forward(picture.ToChannelsLast());
        foreach (var level in _down) h = level.forward(h);
        h = nn.functional.silu(_norm.forward(_middle.forward(h)));
        return _output.forward(h).MoveToOuterDisposeScope();
    }

    private sealed class Level : nn.Module<Tensor, Tensor>
    {
        [Key("block")] private readonly ModuleList<ResnetBlock> _blocks;
        [Key("downsample")] private readonly Downsample? _downsample;

        public Level(AutoencoderConfig config, int level) : base(nameof(Level))
        {
            long inputs = config.Channels[Math.Max(0, level - 1)], outputs = config.Channels[level];
            _blocks = new ModuleList<ResnetBlock>(
                [.. Enumerable.Range(0, config.BlocksPerLevel).Select(i => new ResnetBlock(i == 0 ? inputs : outputs, outputs, config.NormGroups))]);
            _downsample = level < config.Channels.Count - 1 ? new Downsample(outputs) : null;
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            foreach (var block in _blocks) x = block.forward(x);
            return (_downsample is null ? x : _downsample.forward(x)).MoveToOuterDisposeScope();
        }
    }

    /// <summary>Halves the map; pads on the right and below only, unlike the U-Net's.</summary>
    private sealed class Downsample : nn.Module<Tensor, Tensor>
    {
        [Key("conv")] private readonly Conv2d _convolution;

        public Downsample(long channels) : base(nameof(Downsample))
        {
            _convolution = new Conv2d(channels, channels, 3, stride: 2);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var padded = nn.functional.pad(x, [0, 1, 0, 1]);
            using var channelsLast = padded.ToChannelsLast();
            return _convolution.forward(channelsLast);
        }
    }
}
