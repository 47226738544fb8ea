using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>Multiplies every channel by a number of its own.</summary>
/// <remarks>Touvron et al., Going deeper with Image Transformers.</remarks>
internal sealed class LayerScale : Leaf
{
    [Key("weight")] private Parameter? _weight;

    public LayerScale(long width) : base(nameof(LayerScale))
    {
        _weight = Unfilled(width);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref _weight;

    /// <param name="x">(…, width)</param>
    public override Tensor forward(Tensor x)
    {
        using var weight = Compute("weight", _weight!, x.dtype);
        return x * weight;
    }
}
