using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>A 2-D transposed convolution over (B, C, H, W): every cell of the input is spread over a square of the larger output.</summary>
internal sealed class ConvTranspose2d : Leaf
{
    [Key("weight")] private Parameter? _weight;
    [Key("bias")] private Parameter? _bias;
    private readonly long _stride;
    private readonly long _padding;
    private readonly long _outputPadding;

    /// <param name="inputs">Channels of the input.</param>
    /// <param name="outputs">Channels of the output.</param>
    /// <param name="kernel">Side of the square.</param>
    /// <param name="stride">Cells of the output per cell of the input.</param>
    /// <param name="padding">Cells cut off on every side of the output.</param>
    /// <param name="outputPadding">Cells that are kept after all at the right and the bottom.</param>
    public ConvTranspose2d(long inputs, long outputs, long kernel, long stride, long padding = 0, long outputPadding = 0) : base(nameof(ConvTranspose2d))
    {
        (_stride, _padding, _outputPadding) = (stride, padding, outputPadding);
        _weight = Unfilled(inputs, outputs, kernel, kernel);
        _bias = Unfilled(outputs);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref name == "weight" ? ref _weight : ref _bias;

    /// <param name="x">(B, inputs, H, W)</param>
    /// <returns>(B, outputs, H', W')</returns>
    public override Tensor forward(Tensor x)
    {
        using var weight = Compute("weight", _weight!, x.dtype);
        using var bias = Compute("bias", _bias!, x.dtype);
        OperationCount.AddProduct(x.numel() / x.shape[1], x.shape[1], weight.numel() / x.shape[1]);
        return nn.functional.conv_transpose2d(
            x, weight, bias, strides: [_stride, _stride], padding: [_padding, _padding], output_padding: [_outputPadding, _outputPadding]);
    }
}
