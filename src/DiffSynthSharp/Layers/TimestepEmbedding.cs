using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>Sinusoids of a timestep, cosines first.</summary>
/// <remarks>CompVis/stable-diffusion, ldm/modules/diffusionmodules/util.py, timestep_embedding: frequency i is exp(−ln(10000)·i/half).</remarks>
internal static class TimestepEmbedding
{
    /// <param name="timesteps">(B) float32, fractions allowed</param>
    /// <param name="width">Even.</param>
    /// <returns>(B, width) float32</returns>
    public static Tensor Sinusoids(Tensor timesteps, long width)
    {
        using var scope = NewDisposeScope();
        var half = width / 2;
        var frequencies = exp(arange(half, dtype: ScalarType.Float32, device: timesteps.device) * (-Math.Log(10000) / half)); // (half)
        var angles = timesteps.to(ScalarType.Float32).unsqueeze(1) * frequencies.unsqueeze(0); // (B, half)
        return cat([cos(angles), sin(angles)], 1).MoveToOuterDisposeScope();
    }
}
