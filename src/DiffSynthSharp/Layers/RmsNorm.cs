using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>Root-mean-square normalisation over the last axis: no mean is taken off, and there is no bias.</summary>
/// <remarks>Zhang, Sennrich (2019), arXiv 1910.07467. Computed in float32.</remarks>
internal sealed class RmsNorm : Leaf
{
    // An array, because the checkpoint's name for the parameter is chosen when the layer is built.
    private readonly Parameter?[] _weight;
    private readonly string _key;
    private readonly double _epsilon;

    /// <param name="width">Length of the last axis.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="key">The checkpoint's segment for the parameter.</param>
    public RmsNorm(long width, double epsilon, string key = "weight") : base(nameof(RmsNorm))
    {
        (_key, _epsilon) = (key, epsilon);
        _weight = [Unfilled(width)];
        register_parameter(key, _weight[0]!);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref _weight[0];

    /// <param name="x">(…, width)</param>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var wide = x.to(ScalarType.Float32);
        using var squares = wide * wide;
        var inverse = (squares.mean([-1], keepdim: true) + _epsilon).rsqrt();
        var weight = Compute(_key, _weight[0]!, ScalarType.Float32);
        using var normed = wide * inverse;
        return (normed * weight).to(x.dtype).alias().MoveToOuterDisposeScope();
    }
}
