using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora.Deltas;

/// <summary>A change of weight or bias that is stored whole; alpha has no say in it.</summary>
/// <remarks>KohakuBlueleaf/LyCORIS lycoris/modules/full.py and norms.py.</remarks>
internal sealed class FullDelta : LeafDelta
{
    private readonly string _name;
    private readonly Tensor _change;
    private readonly double _scale;

    /// <param name="name">"weight" or "bias".</param>
    /// <param name="change">Owned by this delta.</param>
    /// <param name="scale">The user's scale.</param>
    public FullDelta(string name, Tensor change, double scale) => (_name, _change, _scale) = (name, change, scale);

    public override Tensor? Change(string name, Tensor value)
    {
        if (name != _name) return null;
        using var scope = NewDisposeScope();
        return (_change.to(ScalarType.Float32).reshape(value.shape) * _scale).MoveToOuterDisposeScope();
    }

    public override void Dispose() => _change.Dispose();
}
