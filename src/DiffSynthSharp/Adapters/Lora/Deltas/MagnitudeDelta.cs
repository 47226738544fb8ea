using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora.Deltas;

/// <summary>
/// DoRA: the weight with another change added gets its rows' (or columns') lengths from the file. <c>V = W + change, D = m · V / |V|,
/// W + scale · (D − W)</c>.
/// </summary>
/// <remarks>Liu et al. 2024, arXiv 2402.09353. Away from scale 1 tools disagree; this linear form is A1111's and ComfyUI's (PEFT scales the change inside V).</remarks>
internal sealed class MagnitudeDelta : LeafDelta
{
    private const double Tiny = 1e-30;
    private readonly LeafDelta _change;
    private readonly Tensor _magnitude;
    private readonly bool _perInput;
    private readonly double _scale;

    /// <param name="change">The change at scale 1; owned by this delta, as the magnitude.</param>
    /// <param name="magnitude">One length for each output or input, of any shape.</param>
    /// <param name="perInput">Along inputs instead of outputs.</param>
    /// <param name="scale">The user's scale.</param>
    public MagnitudeDelta(LeafDelta change, Tensor magnitude, bool perInput, double scale)
        => (_change, _magnitude, _perInput, _scale) = (change, magnitude, perInput, scale);

    public override Tensor? Change(string name, Tensor value)
    {
        if (name != "weight" || _change.Change(name, value) is not { } change) return null;
        using var scope = NewDisposeScope();
        using (change)
        {
            var directed = value + change;
            var along = _perInput ? 1 : 0;
            var lengths = directed.square().sum([.. Enumerable.Range(0, (int)value.dim()).Where(axis => axis != along).Select(axis => (long)axis)], keepdim: true).sqrt().clamp_min_(Tiny);
            return ((directed * (_magnitude.to(ScalarType.Float32).reshape(lengths.shape) / lengths) - value) * _scale).MoveToOuterDisposeScope();
        }
    }

    public override void Dispose()
    {
        _change.Dispose();
        _magnitude.Dispose();
    }
}
