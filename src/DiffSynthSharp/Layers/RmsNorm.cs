using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>Root mean square normalisation over the last axis: no mean is taken away, no bias added.</summary>
/// <remarks>Zhang and Sennrich 2019, "Root Mean Square Layer Normalization".</remarks>
internal sealed class RmsNorm : Leaf
{
    [Key("weight")] private Parameter? _weight;
    private readonly double _epsilon;

    public RmsNorm(long width, double epsilon) : base(nameof(RmsNorm))
    {
        _epsilon = epsilon;
        _weight = Unfilled(width);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref _weight;

    /// <param name="x">(…, width)</param>
    /// <returns>(…, width), the mean square taken in float32 whatever the element type</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        using var weight = Compute("weight", _weight!, x.dtype);
        var wide = x.to(ScalarType.Float32);
        var normed = (wide * rsqrt(wide.square().mean([-1], keepdim: true) + _epsilon)).to(x.dtype);
        return (normed * weight).MoveToOuterDisposeScope();
    }
}
