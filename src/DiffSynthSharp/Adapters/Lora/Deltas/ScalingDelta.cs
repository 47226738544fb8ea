using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora.Deltas;

/// <summary>IA³: <c>scale · W · w</c>, the multipliers along the weight's inputs or its outputs.</summary>
/// <remarks>Liu et al. 2022, arXiv 2205.05638; KohakuBlueleaf/LyCORIS lycoris/modules/ia3.py.</remarks>
internal sealed class ScalingDelta : LeafDelta
{
    private readonly Tensor _multipliers;
    private readonly bool _onInput;
    private readonly double _scale;

    /// <param name="multipliers">One for each input or output, of any shape; owned by this delta.</param>
    /// <param name="onInput">Along inputs instead of outputs.</param>
    /// <param name="scale">The user's scale.</param>
    public ScalingDelta(Tensor multipliers, bool onInput, double scale) => (_multipliers, _onInput, _scale) = (multipliers, onInput, scale);

    public override Tensor? Change(string name, Tensor value)
    {
        if (name != "weight") return null;
        using var scope = NewDisposeScope();
        var shape = Enumerable.Repeat(1L, (int)value.dim()).ToArray();
        shape[_onInput ? 1 : 0] = -1;
        return (value * (_multipliers.to(ScalarType.Float32).reshape(shape) * _scale)).MoveToOuterDisposeScope();
    }

    public override void Dispose() => _multipliers.Dispose();
}
