using DiffSynthSharp.Layers;
using DiffSynthSharp.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Annotators;

/// <summary>Four feature maps, each half as large as the one before, become one map of depth.</summary>
/// <remarks>isl-org/MiDaS, midas/dpt_depth.py and midas/blocks.py (<c>scratch</c>); Ranftl et al., Vision Transformers for Dense Prediction.</remarks>
internal sealed class DepthDecoder : nn.Module
{
    [Key("adapt")] private readonly ModuleList<Conv2d> _adapt;
    [Key("fuse")] private readonly ModuleList<Fusion> _fuse;
    [Key("conv1")] private readonly Conv2d _convolution1;
    [Key("conv2")] private readonly Conv2d _convolution2;
    [Key("conv3")] private readonly Conv2d _convolution3;

    public DepthDecoder(DepthDecoderConfig config) : base(nameof(DepthDecoder))
    {
        _adapt = new ModuleList<Conv2d>([.. config.Inputs.Select(channels => new Conv2d(channels, config.Width, 3, padding: 1, bias: false))]);
        _fuse = new ModuleList<Fusion>([.. config.Inputs.Select(_ => new Fusion(config.Width))]);
        _convolution1 = new Conv2d(config.Width, config.HeadInner, 3, padding: 1);
        _convolution2 = new Conv2d(config.HeadInner, config.HeadOuter, 3, padding: 1);
        _convolution3 = new Conv2d(config.HeadOuter, 1, 1);
        RegisterComponents();
    }

    /// <param name="features">(B, C, H, W) each, the largest map first</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <returns>(B, height, width), 0 and more</returns>
    public Tensor Run(IReadOnlyList<Tensor> features, long height, long width)
    {
        using var scope = NewDisposeScope();
        var maps = features.Select((map, i) => _adapt[i].forward(map)).ToList();
        Tensor? path = null;
        for (var i = maps.Count - 1; i >= 0; i--)
        {
            var (tall, wide) = i > 0 ? (maps[i - 1].shape[2], maps[i - 1].shape[3]) : (2 * maps[i].shape[2], 2 * maps[i].shape[3]);
            path = _fuse[i].Run(path, maps[i], tall, wide);
        }
        var first = Resized(_convolution1.forward(path!), height, width);
        var second = _convolution2.forward(first).relu_();
        return _convolution3.forward(second).relu_().squeeze(1).MoveToOuterDisposeScope();
    }

    private static Tensor Resized(Tensor x, long height, long width)
        => nn.functional.interpolate(x, [height, width], mode: InterpolationMode.Bilinear, align_corners: true);

    /// <summary>Adds a map to the path from the smaller ones, and enlarges the path.</summary>
    private sealed class Fusion : nn.Module
    {
        [Key("unit1")] private readonly Residual _added;
        [Key("unit2")] private readonly Residual _fused;
        [Key("output")] private readonly Conv2d _output;

        public Fusion(long width) : base(nameof(Fusion))
        {
            _added = new Residual(width);
            _fused = new Residual(width);
            _output = new Conv2d(width, width, 1);
            RegisterComponents();
        }

        public Tensor Run(Tensor? path, Tensor map, long height, long width)
        {
            BlockBorder.Cross();
            using var scope = NewDisposeScope();
            var sum = path is null ? map : path + _added.forward(map);
            return _output.forward(Resized(_fused.forward(sum), height, width)).MoveToOuterDisposeScope();
        }
    }

    private sealed class Residual : nn.Module<Tensor, Tensor>
    {
        [Key("conv1")] private readonly Conv2d _convolution1;
        [Key("conv2")] private readonly Conv2d _convolution2;

        public Residual(long width) : base(nameof(Residual))
        {
            _convolution1 = new Conv2d(width, width, 3, padding: 1);
            _convolution2 = new Conv2d(width, width, 3, padding: 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var active = x.relu();
            using var first = _convolution1.forward(active).relu_();
            using var second = _convolution2.forward(first);
            return x + second;
        }
    }
}

/// <summary>Sizes of a depth decoder.</summary>
/// <param name="Inputs">Channels of the maps it takes, the largest map first.</param>
/// <param name="Width">Channels of the path through them.</param>
/// <param name="HeadInner">Channels after the head's first convolution.</param>
/// <param name="HeadOuter">Channels after its second.</param>
internal sealed record DepthDecoderConfig(IReadOnlyList<long> Inputs, long Width, long HeadInner, long HeadOuter)
{
    /// <summary>Maps that every published decoder takes.</summary>
    public const int Maps = 4;

    /// <summary>Every size, from the shapes of a network whose decoder is called <c>decoder</c>.</summary>
    /// <exception cref="DiffSynthException">A tensor that tells a size is missing.</exception>
    public static DepthDecoderConfig Detect(ComponentWeights weights) => new(
        [.. Enumerable.Range(0, Maps).Select(i => weights.Side($"decoder.adapt.{i}.weight", 1))],
        weights.Side("decoder.adapt.0.weight", 0), weights.Side("decoder.conv1.weight", 0), weights.Side("decoder.conv2.weight", 0));

    /// <summary>Numbers for a key table's rows about the maps: <c>i</c> from 0, <c>n</c> from 1, <c>back</c> from the smallest map.</summary>
    public static IEnumerable<IReadOnlyDictionary<string, int>> Numbers
        => Enumerable.Range(0, Maps).Select(i => new Dictionary<string, int> { ["i"] = i, ["n"] = i + 1, ["back"] = Maps - 1 - i });
}
