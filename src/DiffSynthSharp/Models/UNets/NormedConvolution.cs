using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.UNets;

/// <summary>Group norm, SiLU, convolution, keyed 0 and 2: how a residual block begins and the U-Net ends.</summary>
internal sealed class NormedConvolution : nn.Module<Tensor, Tensor>
{
    [Key("0")] private readonly GroupNorm _norm;
    [Key("2")] private readonly Conv2d _convolution;

    public NormedConvolution(long inputs, long outputs, long groups) : base(nameof(NormedConvolution))
    {
        _norm = new GroupNorm(groups, inputs, 1e-5);
        _convolution = new Conv2d(inputs, outputs, 3, padding: 1);
        RegisterComponents();
    }

    /// <param name="x">(B, inputs, H, W)</param>
    public override Tensor forward(Tensor x)
    {
        using var normed = _norm.forward(x);
        using var active = nn.functional.silu(normed);
        return _convolution.forward(active);
    }
}
