using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Control;

/// <summary>What a ControlNet adds to a U-Net.</summary>
/// <param name="Skips">One (B, C, h, w) for the output of each stage on the way down, the first stage's first; (B, C, 1, 1) with global pooling.</param>
/// <param name="Middle">For the output of the middle.</param>
internal sealed record ControlResiduals(IReadOnlyList<Tensor> Skips, Tensor Middle)
{
    /// <summary>The same, with each residual made anew from itself and its number, counted from the first skip to the middle.</summary>
    public ControlResiduals Select(Func<Tensor, int, Tensor> change) => new([.. Skips.Select(change)], change(Middle, Skips.Count));

    /// <summary>The residuals of two ControlNets, added.</summary>
    public ControlResiduals Plus(ControlResiduals other) => new([.. Skips.Zip(other.Skips, (one, another) => one + another)], Middle + other.Middle);

    /// <summary>The same in the enclosing scope, when a scope within it ends.</summary>
    public ControlResiduals MoveToOuterDisposeScope() => Select((residual, _) => residual.MoveToOuterDisposeScope());
}
