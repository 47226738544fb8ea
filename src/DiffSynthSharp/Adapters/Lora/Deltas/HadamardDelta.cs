using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora.Deltas;

/// <summary>LoHa: <c>factor · (A₁B₁) ∘ (A₂B₂)</c>, each product through a Tucker core where the file has cores.</summary>
/// <remarks>Hyeon-Woo et al. 2021, arXiv 2108.06098; KohakuBlueleaf/LyCORIS lycoris/modules/loha.py. LyCORIS' merge applies the factor twice, its forward once.</remarks>
internal sealed class HadamardDelta : LeafDelta
{
    private readonly FactorProduct _first;
    private readonly FactorProduct _second;
    private readonly double _factor;

    public HadamardDelta(FactorProduct first, FactorProduct second, double factor) => (_first, _second, _factor) = (first, second, factor);

    public override Tensor? Change(string name, Tensor value)
    {
        if (name != "weight") return null;
        using var scope = NewDisposeScope();
        return ((_first.Value() * _second.Value()).reshape(value.shape) * _factor).MoveToOuterDisposeScope();
    }

    public override void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
    }
}
