using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Annotators;

/// <summary>A ResNet with standardised weights and group norms, of which the map of every stage is taken.</summary>
/// <remarks>huggingface/pytorch-image-models, timm/models/resnetv2.py, ResNetV2 with <c>preact=False</c> and the stem 'same'; norms have 32 groups.</remarks>
internal sealed class ResNetBackbone : nn.Module
{
    private const long Groups = 32;
    private const double Epsilon = 1e-5;

    [Key("stem")] private readonly Normed _stem;
    [Key("stages")] private readonly ModuleList<Stage> _stages;

    /// <param name="stem">Channels of the first convolution.</param>
    /// <param name="stages">Blocks, their inner channels and their channels, of each stage; each but the first halves the sides.</param>
    public ResNetBackbone(long stem, IReadOnlyList<ResNetStage> stages) : base(nameof(ResNetBackbone))
    {
        _stem = new Normed(3, stem, 7, 2);
        _stages = new ModuleList<Stage>([.. stages.Select((stage, i) => new Stage(i == 0 ? stem : stages[i - 1].Channels, stage, i == 0 ? 1 : 2))]);
        RegisterComponents();
    }

    /// <param name="picture">(B, 3, H, W)</param>
    /// <returns>A map per stage: a quarter of the picture's sides, an eighth, …</returns>
    public IReadOnlyList<Tensor> Run(Tensor picture)
    {
        using var scope = NewDisposeScope();
        using var padded = StandardizedConv2d.PadSame(_stem.forward(picture).relu_(), 3, 2, double.NegativeInfinity);
        var maps = new List<Tensor> { nn.functional.max_pool2d(padded, [3, 3], strides: [2, 2]) };
        foreach (var stage in _stages) maps.Add(stage.forward(maps[^1]));
        return [.. maps.Skip(1).Select(map => map.MoveToOuterDisposeScope())];
    }

    /// <summary>A convolution and its norm.</summary>
    private sealed class Normed : nn.Module<Tensor, Tensor>
    {
        [Key("conv")] private readonly StandardizedConv2d _convolution;
        [Key("norm")] private readonly GroupNorm _norm;

        public Normed(long inputs, long outputs, long kernel, long stride) : base(nameof(Normed))
        {
            _convolution = new StandardizedConv2d(inputs, outputs, kernel, stride);
            _norm = new GroupNorm(Groups, outputs, Epsilon);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var y = _convolution.forward(x);
            return _norm.forward(y);
        }
    }

    private sealed class Stage : nn.Module<Tensor, Tensor>
    {
        [Key("blocks")] private readonly ModuleList<Bottleneck> _blocks;

        public Stage(long inputs, ResNetStage stage, long stride) : base(nameof(Stage))
        {
            _blocks = new ModuleList<Bottleneck>(
                [.. Enumerable.Range(0, stage.Blocks).Select(i => i == 0 ? new Bottleneck(inputs, stage, stride, isFirst: true) : new Bottleneck(stage.Channels, stage, 1, isFirst: false))]);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            var h = x.alias();
            foreach (var block in _blocks)
            {
                using var previous = h;
                h = block.forward(previous);
            }
            return h;
        }
    }

    private sealed class Bottleneck : nn.Module<Tensor, Tensor>
    {
        [Key("downsample")] private readonly Normed? _shortcut;
        [Key("conv1")] private readonly StandardizedConv2d _convolution1;
        [Key("norm1")] private readonly GroupNorm _norm1;
        [Key("conv2")] private readonly StandardizedConv2d _convolution2;
        [Key("norm2")] private readonly GroupNorm _norm2;
        [Key("conv3")] private readonly StandardizedConv2d _convolution3;
        [Key("norm3")] private readonly GroupNorm _norm3;

        public Bottleneck(long inputs, ResNetStage stage, long stride, bool isFirst) : base(nameof(Bottleneck))
        {
            _shortcut = isFirst ? new Normed(inputs, stage.Channels, 1, stride) : null;
            _convolution1 = new StandardizedConv2d(inputs, stage.Inner, 1);
            _norm1 = new GroupNorm(Groups, stage.Inner, Epsilon);
            _convolution2 = new StandardizedConv2d(stage.Inner, stage.Inner, 3, stride);
            _norm2 = new GroupNorm(Groups, stage.Inner, Epsilon);
            _convolution3 = new StandardizedConv2d(stage.Inner, stage.Channels, 1);
            _norm3 = new GroupNorm(Groups, stage.Channels, Epsilon);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            BlockBorder.Cross();
            using var scope = NewDisposeScope();
            var first = _norm1.forward(_convolution1.forward(x)).relu_();
            var second = _norm2.forward(_convolution2.forward(first)).relu_();
            var third = _norm3.forward(_convolution3.forward(second));
            return third.add_(_shortcut is null ? x : _shortcut.forward(x)).relu_().MoveToOuterDisposeScope();
        }
    }
}

/// <summary>Sizes of a ResNet's stage.</summary>
/// <param name="Blocks">Bottlenecks.</param>
/// <param name="Inner">Channels inside a bottleneck.</param>
/// <param name="Channels">Channels between them.</param>
internal sealed record ResNetStage(int Blocks, long Inner, long Channels);
