using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>
/// A 2-D convolution without bias whose weights have mean 0 and deviation 1 per output channel, padded so that the output's sides are the
/// input's, divided by the stride and rounded up.
/// </summary>
/// <remarks>
/// huggingface/pytorch-image-models, timm/layers/std_conv.py, StdConv2dSame (Qiao et al., Weight Standardization). Weights are standardised once, when
/// they are assigned; the parameter holds the result.
/// </remarks>
internal sealed class StandardizedConv2d : Leaf
{
    private const double Epsilon = 1e-8;

    [Key("weight")] private Parameter? _weight;
    private readonly long _stride;

    public StandardizedConv2d(long inputs, long outputs, long kernel, long stride = 1) : base(nameof(StandardizedConv2d))
    {
        _stride = stride;
        _weight = Unfilled(outputs, inputs, kernel, kernel);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref _weight;

    protected override Tensor Arrange(string name, Tensor value)
    {
        using var scope = NewDisposeScope();
        var rows = value.to(ScalarType.Float64).flatten(1);
        var mean = rows.mean([1], keepdim: true);
        var variance = (rows - mean).square().mean([1], keepdim: true);
        var standard = ((rows - mean) / (variance + Epsilon).sqrt()).view(value.shape).to(ScalarType.Float32);
        return (value.shape[2] > 1 ? standard.ToChannelsLast() : standard).MoveToOuterDisposeScope();
    }

    /// <param name="x">(B, inputs, H, W)</param>
    /// <returns>(B, outputs, ⌈H / stride⌉, ⌈W / stride⌉)</returns>
    public override Tensor forward(Tensor x)
    {
        using var weight = Compute("weight", _weight!, x.dtype);
        using var padded = PadSame(x, weight.shape[2], _stride, 0);
        var y = nn.functional.conv2d(padded, weight, strides: [_stride, _stride]);
        OperationCount.AddProduct(y.numel() / y.shape[1], weight.numel() / y.shape[1], y.shape[1]);
        return y;
    }

    /// <summary>Widens a map so that a window of this size and stride meets every cell; what can't be halved goes to the right and the bottom.</summary>
    /// <param name="x">(B, C, H, W)</param>
    /// <param name="window">The window's side.</param>
    /// <param name="stride">Cells between two windows.</param>
    /// <param name="value">What the border is filled with.</param>
    public static Tensor PadSame(Tensor x, long window, long stride, double value)
    {
        long tall = Missing(x.shape[2]), wide = Missing(x.shape[3]);
        return tall + wide == 0 ? x.alias()
            : nn.functional.pad(x, [wide / 2, wide - wide / 2, tall / 2, tall - tall / 2], TorchSharp.PaddingModes.Constant, value);

        long Missing(long side) => Math.Max(((side + stride - 1) / stride - 1) * stride + window - side, 0);
    }
}
