using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary><c>y = x Wᵀ + b</c> over the last axis.</summary>
internal sealed class Linear : Leaf
{
    [Key("weight")] private Parameter? _weight;
    [Key("bias")] private Parameter? _bias;

    public Linear(long inputs, long outputs, bool bias = true) : base(nameof(Linear))
    {
        _weight = Unfilled(outputs, inputs);
        _bias = bias ? Unfilled(outputs) : null;
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref name == "weight" ? ref _weight : ref _bias;

    /// <param name="x">(…, inputs)</param>
    /// <returns>(…, outputs)</returns>
    public override Tensor forward(Tensor x)
    {
        var (outputs, inputs) = (_weight!.shape[0], _weight.shape[1]);
        OperationCount.AddProduct(x.numel() / inputs, inputs, outputs);
        using var weight = Compute("weight", _weight, x.dtype);
        using var bias = _bias is null ? null : Compute("bias", _bias, x.dtype);
        return WithDeltas(x, nn.functional.linear(x, weight, bias));
    }
}
