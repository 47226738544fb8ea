using DiffSynthSharp.Layers;
using DiffSynthSharp.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Annotators;

/// <summary>Sizes of the line drawing network.</summary>
/// <param name="PictureChannels">Channels of the picture.</param>
/// <param name="LineChannels">Channels of the drawing.</param>
/// <param name="Width">Channels at full resolution; every level has twice as many as the one before.</param>
/// <param name="Levels">How often the sides are halved.</param>
/// <param name="Blocks">Residual blocks in the middle.</param>
internal sealed record LineartConfig(long PictureChannels, long LineChannels, long Width, int Levels, int Blocks)
{
    /// <summary>The map of sk_model's names, or null when these are none.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? Keys(IReadOnlyCollection<string> names)
        => !names.Contains("model0.1.weight") || !names.Contains("model4.1.weight") ? null : KeyMap.Embedded("Lineart.keys", new()
        {
            ["level"] = Enumerable.Range(0, NameCount.Consecutive(names, i => $"model1.{3 * i}.")).Select(i => new Dictionary<string, int> { ["i"] = i, ["theirs"] = 3 * i }),
            ["block"] = Enumerable.Range(0, NameCount.Consecutive(names, i => $"model2.{i}.")).Select(i => new Dictionary<string, int> { ["i"] = i }),
        });

    /// <summary>Every size, from shapes.</summary>
    /// <exception cref="DiffSynthException">A tensor that tells a size is missing.</exception>
    public static LineartConfig Detect(ComponentWeights weights)
    {
        var names = weights.Shapes.Keys.ToList();
        return new(weights.Side("input.weight", 1), weights.Side("output.weight", 0), weights.Side("input.weight", 0),
            NameCount.Consecutive(names, i => $"down.{i}."), NameCount.Consecutive(names, i => $"middle.{i}."));
    }
}

/// <summary>Draws the lines of a picture: convolutions with instance norms, down, through residual blocks, and up again.</summary>
/// <remarks>carolineec/informative-drawings, model.py, Generator, as huggingface/controlnet_aux has it (lineart/__init__.py). The norms have no weights.</remarks>
internal sealed class Lineart : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-5;

    [Key("input")] private readonly Conv2d _input;
    [Key("down")] private readonly ModuleList<Conv2d> _down;
    [Key("middle")] private readonly ModuleList<Block> _middle;
    [Key("up")] private readonly ModuleList<ConvTranspose2d> _up;
    [Key("output")] private readonly Conv2d _output;

    public Lineart(LineartConfig config) : base(nameof(Lineart))
    {
        Config = config;
        _input = new Conv2d(config.PictureChannels, config.Width, 7);
        _down = new ModuleList<Conv2d>([.. Enumerable.Range(0, config.Levels).Select(i => new Conv2d(Width(i), Width(i + 1), 3, stride: 2, padding: 1))]);
        _middle = new ModuleList<Block>([.. Enumerable.Range(0, config.Blocks).Select(_ => new Block(Width(config.Levels)))]);
        _up = new ModuleList<ConvTranspose2d>(
            [.. Enumerable.Range(0, config.Levels).Select(i => new ConvTranspose2d(Width(config.Levels - i), Width(config.Levels - i - 1), 3, stride: 2, padding: 1, outputPadding: 1))]);
        _output = new Conv2d(config.Width, config.LineChannels, 7);
        RegisterComponents();

        long Width(int level) => config.Width << level;
    }

    public LineartConfig Config { get; }

    /// <param name="picture">(B, 3, H, W) in 0 … 1; H and W are multiples of 2 per level</param>
    /// <returns>(B, 1, H, W): 1 is paper, 0 is a line</returns>
    public override Tensor forward(Tensor picture)
    {
        using var channelsLast = picture.ToChannelsLast();
        var h = Active(Mirrored(channelsLast, 3, _input));
        foreach (var convolution in _down) h = Next(h, x => Active(convolution.forward(x)));
        foreach (var block in _middle) h = Next(h, block.forward);
        foreach (var convolution in _up) h = Next(h, x => Active(convolution.forward(x)));
        return Next(h, x => Mirrored(x, 3, _output).sigmoid_());
    }

    // Maps are large here: each is freed as soon as the next one stands.
    private static Tensor Next(Tensor x, Func<Tensor, Tensor> layer)
    {
        using (x)
        {
            BlockBorder.Cross();
            return layer(x);
        }
    }

    private static Tensor Mirrored(Tensor x, long border, Conv2d convolution)
    {
        using var padded = nn.functional.pad(x, [border, border, border, border], TorchSharp.PaddingModes.Reflect);
        return convolution.forward(padded);
    }

    private static Tensor Normed(Tensor x)
    {
        using (x) return nn.functional.group_norm(x, x.shape[1], eps: Epsilon);
    }

    private static Tensor Active(Tensor x) => Normed(x).relu_();

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        [Key("conv1")] private readonly Conv2d _convolution1;
        [Key("conv2")] private readonly Conv2d _convolution2;

        public Block(long width) : base(nameof(Block))
        {
            _convolution1 = new Conv2d(width, width, 3);
            _convolution2 = new Conv2d(width, width, 3);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var first = Active(Mirrored(x, 1, _convolution1));
            using var second = Normed(Mirrored(first, 1, _convolution2));
            return x + second;
        }
    }
}
