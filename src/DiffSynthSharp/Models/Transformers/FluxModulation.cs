using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>What time, guidance and prompt make of one half of a block.</summary>
/// <param name="Shift">(B, 1, D)</param>
/// <param name="Scale">(B, 1, D), around 0</param>
/// <param name="Gate">(B, 1, D)</param>
internal readonly record struct Modulation(Tensor Shift, Tensor Scale, Tensor Gate)
{
    private const double Epsilon = 1e-6;

    /// <summary>Normalises tokens, then scales and shifts them.</summary>
    /// <param name="x">(B, N, D)</param>
    public Tensor Apply(Tensor x) => Apply(x, Shift, Scale);

    /// <summary>As <see cref="Apply(Tensor)"/>, where there is no gate.</summary>
    /// <param name="x">(B, N, D)</param>
    /// <param name="shift">(B, 1, D)</param>
    /// <param name="scale">(B, 1, D)</param>
    public static Tensor Apply(Tensor x, Tensor shift, Tensor scale)
    {
        using var normed = nn.functional.layer_norm(x, [x.shape[^1]], eps: Epsilon);
        using var factor = scale + 1;
        return addcmul(shift, normed, factor, 1);
    }

    /// <summary><c>x + gate · change</c></summary>
    /// <param name="x">(B, N, D)</param>
    /// <param name="change">(B, N, D)</param>
    public Tensor Add(Tensor x, Tensor change) => addcmul(x, Gate, change, 1);
}

/// <summary>Makes the modulations of a block: three vectors for each half.</summary>
/// <remarks>black-forest-labs/flux, src/flux/modules/layers.py, Modulation: shift, scale, gate. The SiLU before it is the same for all blocks and taken once, outside.</remarks>
internal sealed class FluxModulation : nn.Module<Tensor, Modulation[]>
{
    private const int Vectors = 3;
    [Key("lin")] private readonly Linear _linear;
    private readonly int _halves;

    /// <param name="width">D</param>
    /// <param name="halves">2 for attention and MLP one after the other, 1 for both at once.</param>
    public FluxModulation(long width, int halves) : base(nameof(FluxModulation))
    {
        _halves = halves;
        _linear = new Linear(width, halves * Vectors * width);
        RegisterComponents();
    }

    /// <param name="condition">(B, D), after its SiLU</param>
    public override Modulation[] forward(Tensor condition)
    {
        var vectors = _linear.forward(condition).unsqueeze(1).chunk(_halves * Vectors, -1); // (B, 1, D) each
        return [.. Enumerable.Range(0, _halves).Select(half => new Modulation(vectors[Vectors * half], vectors[Vectors * half + 1], vectors[Vectors * half + 2]))];
    }
}
