using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>A 2-D convolution over (B, C, H, W) with channels-last memory; its weights are kept channels-last too.</summary>
/// <remarks>oneDNN takes up to twice the time when the weights of a channels-last input are not channels-last themselves.</remarks>
internal sealed class Conv2d : Leaf
{
    [Key("weight")] private Parameter? _weight;
    [Key("bias")] private Parameter? _bias;
    private readonly long _stride;
    private readonly long _padding;

    public Conv2d(long inputs, long outputs, long kernel, long stride = 1, long padding = 0, bool bias = true) : base(nameof(Conv2d))
    {
        (_stride, _padding) = (stride, padding);
        _weight = Unfilled(outputs, inputs, kernel, kernel);
        _bias = bias ? Unfilled(outputs) : null;
        RegisterComponents();
    }

    /// <summary>Output channels.</summary>
    public long Channels => _bias!.shape[0];

    /// <summary>(outputs)</summary>
    public Parameter Bias => _bias!;

    protected override ref Parameter? Slot(string name) => ref name == "weight" ? ref _weight : ref _bias;

    public override bool CanHold(string name) => name == "weight";

    public override bool Rearranges(string name) => name == "weight" && _weight!.shape[2] > 1;

    protected override Tensor Arrange(string name, Tensor value)
        => Rearranges(name) ? value.ToChannelsLast() : value;

    /// <param name="x">(B, inputs, H, W)</param>
    /// <returns>(B, outputs, H', W')</returns>
    public override Tensor forward(Tensor x)
    {
        BlockBorder.Cross(); // over a large map one convolution takes as long as a small network
        using var weight = Compute("weight", _weight!, x.dtype);
        using var bias = _bias is null ? null : Compute("bias", _bias, x.dtype);
        var y = nn.functional.conv2d(x, weight, bias, strides: [_stride, _stride], padding: [_padding, _padding]);
        OperationCount.AddProduct(y.numel() / y.shape[1], weight.numel() / y.shape[1], y.shape[1]);
        return WithDeltas(x, y, _stride, _padding);
    }
}
