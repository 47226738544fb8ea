using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>Noise between that of two seeds.</summary>
internal static class SeedVariation
{
    private const double NearlyParallel = 0.9995;

    /// <summary>Turns the noise towards the other along the arc between them. Unit vectors run along the height, as where such pictures come from.</summary>
    /// <param name="noise">(c, h, w)</param>
    /// <param name="other">(c, h, w)</param>
    /// <param name="weight">0 gives the noise, 1 the other.</param>
    /// <remarks>AUTOMATIC1111/stable-diffusion-webui, modules/rng.py, slerp.</remarks>
    public static Tensor Blend(Tensor noise, Tensor other, double weight)
    {
        using var scope = NewDisposeScope();
        var cosine = (Unit(noise) * Unit(other)).sum(1); // (c, w)
        if (cosine.mean().item<float>() > NearlyParallel) return (noise * (1 - weight) + other * weight).MoveToOuterDisposeScope();
        var angle = cosine.acos();
        var sine = angle.sin();
        var (kept, taken) = (((1 - weight) * angle).sin() / sine, (weight * angle).sin() / sine);
        return (kept.unsqueeze(1) * noise + taken.unsqueeze(1) * other).MoveToOuterDisposeScope();
    }

    private static Tensor Unit(Tensor x) => x / x.norm(1, keepdim: true, p: 2);
}
