using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Upscalers;

/// <summary>ESRGAN's network of residual dense blocks: a picture becomes a larger one.</summary>
/// <remarks>
/// xinntao/Real-ESRGAN and XPixelGroup/BasicSR, basicsr/archs/rrdbnet_arch.py, RRDBNet (names of RealESRGAN_x4plus.pth, below <c>params_ema</c>).
/// Models for a scale below 4 fold the pixels of 2×2 or 4×4 squares into channels first.
/// </remarks>
internal sealed class RrdbNet : nn.Module<Tensor, Tensor>
{
    private const double Slope = 0.2;
    private const double ResidualScale = 0.2;

    [Key("conv_first")] private readonly Conv2d _first;
    [Key("body")] private readonly ModuleList<Group> _body;
    [Key("conv_body")] private readonly Conv2d _last;
    [Key("conv_up1")] private readonly Conv2d? _up1;
    [Key("conv_up2")] private readonly Conv2d? _up2;
    [Key("conv_up3")] private readonly Conv2d? _up3;
    [Key("conv_hr")] private readonly Conv2d _fine;
    [Key("conv_last")] private readonly Conv2d _output;

    public RrdbNet(RrdbConfig config) : base(nameof(RrdbNet))
    {
        Config = config;
        _first = Convolution(config.Channels * config.Folding * config.Folding, config.Width);
        _body = new ModuleList<Group>([.. Enumerable.Range(0, config.Blocks).Select(_ => new Group(config))]);
        _last = Convolution(config.Width, config.Width);
        _up1 = config.Doublings > 0 ? Convolution(config.Width, config.Width) : null;
        _up2 = config.Doublings > 1 ? Convolution(config.Width, config.Width) : null;
        _up3 = config.Doublings > 2 ? Convolution(config.Width, config.Width) : null;
        _fine = Convolution(config.Width, config.Width);
        _output = Convolution(config.Width, config.Channels);
        RegisterComponents();
    }

    public RrdbConfig Config { get; }

    /// <param name="x">(B, C, H, W) in 0 … 1, of any size</param>
    /// <returns>(B, C, H·scale, W·scale), roughly 0 … 1, not clipped</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var trunk = Trunk(_first.forward(Fold(x)));
        foreach (var convolution in new[] { _up1, _up2, _up3 }.OfType<Conv2d>())
        {
            BlockBorder.Cross();
            using var previous = trunk;
            using var larger = nn.functional.interpolate(previous, [2 * previous.shape[2], 2 * previous.shape[3]], mode: InterpolationMode.Nearest);
            trunk = convolution.forward(larger).leaky_relu_(Slope);
        }
        BlockBorder.Cross();
        using var last = trunk;
        using var fine = _fine.forward(last).leaky_relu_(Slope);
        long height = x.shape[2] * Config.Scale, width = x.shape[3] * Config.Scale;
        return _output.forward(fine).narrow(2, 0, height).narrow(3, 0, width).MoveToOuterDisposeScope();
    }

    // Sides that the squares don't divide are mirrored over the right and bottom border; forward cuts that off again.
    private Tensor Fold(Tensor x)
    {
        if (Config.Folding == 1) return x.ToChannelsLast();
        long folding = Config.Folding, right = (folding - x.shape[3] % folding) % folding, bottom = (folding - x.shape[2] % folding) % folding;
        var mode = right < x.shape[3] && bottom < x.shape[2] ? TorchSharp.PaddingModes.Reflect : TorchSharp.PaddingModes.Replicate;
        var padded = nn.functional.pad(x, [0, right, 0, bottom], mode);
        return nn.functional.pixel_unshuffle(padded, folding).ToChannelsLast();
    }

    private Tensor Trunk(Tensor features)
    {
        var h = features.alias();
        foreach (var group in _body)
        {
            using var previous = h;
            h = group.forward(previous);
        }
        using var last = h;
        using var body = _last.forward(last);
        return features + body;
    }

    private static Conv2d Convolution(long inputs, long outputs) => new(inputs, outputs, 3, padding: 1);

    /// <summary>Three dense blocks, whose change is added at a fifth of its strength.</summary>
    private sealed class Group : nn.Module<Tensor, Tensor>
    {
        [Key("rdb1")] private readonly DenseBlock _block1;
        [Key("rdb2")] private readonly DenseBlock _block2;
        [Key("rdb3")] private readonly DenseBlock _block3;

        public Group(RrdbConfig config) : base(nameof(Group))
        {
            _block1 = new DenseBlock(config);
            _block2 = new DenseBlock(config);
            _block3 = new DenseBlock(config);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var first = _block1.forward(x);
            using var second = _block2.forward(first);
            using var third = _block3.forward(second);
            return third.mul_(ResidualScale).add_(x).alias();
        }
    }

    /// <summary>Five convolutions, each of which sees the results of all before it.</summary>
    private sealed class DenseBlock : nn.Module<Tensor, Tensor>
    {
        [Key("conv1")] private readonly Conv2d _convolution1;
        [Key("conv2")] private readonly Conv2d _convolution2;
        [Key("conv3")] private readonly Conv2d _convolution3;
        [Key("conv4")] private readonly Conv2d _convolution4;
        [Key("conv5")] private readonly Conv2d _convolution5;

        public DenseBlock(RrdbConfig config) : base(nameof(DenseBlock))
        {
            long width = config.Width, growth = config.Growth;
            _convolution1 = Convolution(width, growth);
            _convolution2 = Convolution(width + growth, growth);
            _convolution3 = Convolution(width + 2 * growth, growth);
            _convolution4 = Convolution(width + 3 * growth, growth);
            _convolution5 = Convolution(width + 4 * growth, width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            BlockBorder.Cross();
            using var scope = NewDisposeScope();
            var seen = x;
            foreach (var convolution in new[] { _convolution1, _convolution2, _convolution3, _convolution4 })
                seen = cat([seen, convolution.forward(seen).leaky_relu_(Slope)], 1);
            return _convolution5.forward(seen).mul_(ResidualScale).add_(x).MoveToOuterDisposeScope();
        }
    }
}
