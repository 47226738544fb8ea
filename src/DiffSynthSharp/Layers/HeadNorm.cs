using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>Root mean square normalisation of each attention head's queries or keys; its parameter is called <c>scale</c>.</summary>
/// <remarks>black-forest-labs/flux, src/flux/modules/layers.py, RMSNorm: epsilon 1e-6, the mean square taken in float32 whatever the element type.</remarks>
internal sealed class HeadNorm : Leaf
{
    private const double Epsilon = 1e-6;
    [Key("scale")] private Parameter? _scale;

    public HeadNorm(long width) : base(nameof(HeadNorm))
    {
        _scale = Unfilled(width);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref _scale;

    /// <param name="x">(…, width)</param>
    /// <returns>(…, width)</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var scale = Compute("scale", _scale!, x.dtype);
        var wide = x.to(ScalarType.Float32);
        var length = linalg.vector_norm(wide, 2, [-1], keepdim: true); // (…, 1); one pass over the values, without a tensor of their squares
        var inverse = length.square().div(x.shape[^1]).add(Epsilon).rsqrt();
        return (wide * inverse).to(x.dtype).mul_(scale).MoveToOuterDisposeScope();
    }
}
