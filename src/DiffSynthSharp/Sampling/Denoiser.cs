using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>A network's raw prediction, guidance included.</summary>
/// <param name="latents">(n, c, h, w) in the network's own scaling</param>
/// <param name="timestep">In training timesteps; may be fractional.</param>
internal delegate Tensor Predict(Tensor latents, double timestep);

/// <summary>Makes <c>denoised = model(x, σ)</c> of a network that predicts noise, velocity or the picture.</summary>
/// <remarks>crowsonkb/k-diffusion, external.py, DiscreteEpsDDPMDenoiser and DiscreteVDDPMDenoiser.</remarks>
internal sealed class Denoiser(Predict predict, Prediction prediction, Ladder ladder, Func<double, double> timestepAt, Clipping clipping)
{
    private readonly Dictionary<double, double> _timesteps = ladder.Timesteps.Select((timestep, i) => (ladder.Sigmas[i], timestep))
        .DistinctBy(pair => pair.Item1).ToDictionary(pair => pair.Item1, pair => pair.timestep);

    public LatentSpace Space => SpaceOf(prediction);

    public static LatentSpace SpaceOf(Prediction prediction) => prediction == Prediction.Flow ? LatentSpace.Flow : LatentSpace.VariancePreserving;

    /// <summary>What latents of level σ are multiplied with where the network sees them.</summary>
    public static double InputScale(LatentSpace space, double sigma) => space == LatentSpace.Flow ? 1 / (1 + sigma) : 1 / Math.Sqrt(1 + sigma * sigma);

    /// <param name="x">(n, c, h, w) clean + sigma · noise</param>
    /// <param name="sigma">Standard deviation of the noise.</param>
    /// <param name="between">Whether the level lies between the ladder's.</param>
    public Tensor Denoise(Tensor x, double sigma, bool between = false)
    {
        using var scope = NewDisposeScope();
        var timestep = !between && _timesteps.TryGetValue(sigma, out var known) ? known : timestepAt(sigma);
        var scale = InputScale(Space, sigma);
        var latents = x * scale;
        var output = predict(latents, timestep);
        var denoised = prediction switch
        {
            Prediction.Epsilon => x - output * sigma,
            Prediction.V => (latents - output * sigma) * scale,
            Prediction.Flow => latents - output * (sigma * scale),
            _ => output,
        };
        return (clipping.IsNone ? denoised : clipping.Apply(denoised)).MoveToOuterDisposeScope();
    }
}
