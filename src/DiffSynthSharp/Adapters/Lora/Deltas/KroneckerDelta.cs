using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora.Deltas;

/// <summary>LoKr: <c>factor · A ⊗ B</c>, where B may carry a convolution's kernel.</summary>
/// <remarks>KohakuBlueleaf/LyCORIS lycoris/modules/lokr.py (Yeh et al. 2023, arXiv 2309.14859).</remarks>
internal sealed class KroneckerDelta : LeafDelta
{
    private readonly FactorProduct _left;
    private readonly FactorProduct _right;
    private readonly double _factor;

    public KroneckerDelta(FactorProduct left, FactorProduct right, double factor) => (_left, _right, _factor) = (left, right, factor);

    public override Tensor? Change(string name, Tensor value)
    {
        if (name != "weight") return null;
        using var scope = NewDisposeScope();
        var left = _left.Value(); // (a, b)
        var right = _right.Value().flatten(1); // (c, d·kernel)
        var (a, b, c, d) = (left.shape[0], left.shape[1], right.shape[0], right.shape[1]);
        return ((left.view(a, 1, b, 1) * right.view(1, c, 1, d)).reshape(value.shape) * _factor).MoveToOuterDisposeScope();
    }

    public override void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
    }
}
