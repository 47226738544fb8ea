using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>Turns timestep and pooled text into shifts, scales and gates for tokens. The SiLU before its layer is taken once, for all blocks.</summary>
/// <remarks>Stability-AI/sd3.5, mmditx.py, DismantledBlock.adaLN_modulation and modulate.</remarks>
internal sealed class MmDitModulation : nn.Module<Tensor, Tensor[]>
{
    private const double Epsilon = 1e-6;

    [Key("1")] private readonly Linear _projection;
    private readonly int _parts;

    public MmDitModulation(long width, int parts) : base(nameof(MmDitModulation))
    {
        _parts = parts;
        _projection = new Linear(width, parts * width);
        RegisterComponents();
    }

    /// <param name="conditioning">(B, D), behind a SiLU</param>
    /// <returns>Shift, scale and gate in turns, each (B, 1, D).</returns>
    public override Tensor[] forward(Tensor conditioning)
    {
        using var all = _projection.forward(conditioning);
        using var rows = all.unsqueeze(1);
        return rows.chunk(_parts, -1);
    }

    /// <summary>Tokens normalised without weights, then scaled and shifted.</summary>
    /// <param name="x">(B, N, D)</param>
    /// <param name="shift">(B, 1, D)</param>
    /// <param name="scale">(B, 1, D), 0 for no change</param>
    public static Tensor Apply(Tensor x, Tensor shift, Tensor scale)
    {
        using var normed = nn.functional.layer_norm(x, [x.shape[2]], eps: Epsilon);
        using var factor = scale + 1;
        return shift.addcmul(normed, factor, 1);
    }
}
