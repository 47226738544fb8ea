using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>The network of the samplers' goldens: formulas instead of weights, one model in three scalings of the latents.</summary>
internal static class AnalyticNetwork
{
    /// <summary>G(z, t).</summary>
    public static Tensor Output(Tensor z, double t)
        => (z * 1.3).tanh() * (0.6 * (1 - 0.5 * t)) + z.roll(1, -1) * 0.35 + (z.roll(1, -2) + 3 * t).sin() * 0.25;

    /// <summary>The denoised picture in latents of level σ.</summary>
    public static Tensor Denoised(Tensor x, double sigma)
    {
        var r = Math.Sqrt(1 + sigma * sigma);
        return x / (r * r) - Output(x / r, sigma / r) * (sigma / r);
    }

    /// <summary>What the network answers when it is asked for this kind of prediction.</summary>
    /// <param name="latents">In the network's scaling.</param>
    /// <param name="sigma">Noise level in variance exploding latents.</param>
    /// <param name="prediction">Kind of the answer.</param>
    public static Tensor Predict(Tensor latents, double sigma, Prediction prediction)
    {
        var r = Math.Sqrt(1 + sigma * sigma);
        return prediction switch
        {
            Prediction.Epsilon => latents * (sigma / r) + Output(latents, sigma / r) / r,
            Prediction.V => Output(latents, sigma / r),
            Prediction.Flow => Velocity(latents, sigma / (1 + sigma)),
            _ => throw new ArgumentOutOfRangeException(nameof(prediction)),
        };
    }

    public static Tensor Velocity(Tensor x, double level)
    {
        var r = Math.Sqrt((1 - level) * (1 - level) + level * level);
        return x * ((2 * level - 1) / (r * r)) + Output(x / r, level / r) / r;
    }
}
