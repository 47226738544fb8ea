using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Ancestral sampling from the posterior of the diffusion process.</summary>
/// <remarks>Ho, Jain, Abbeel (2020), equations 6 and 7; huggingface/diffusers, scheduling_ddpm.py.</remarks>
internal sealed class Ddpm(DdpmVariance variance) : StepSampler
{
    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var (sigma, next) = (run.Ladder.Sigmas[i], run.Ladder.Landing(i));
        var denoised = run.Denoise(x, sigma);
        // In latents of growing variance the posterior's mean keeps σ'²/σ² of the latents.
        var kept = Square(next / sigma);
        var mean = x * kept + denoised * (1 - kept);
        return run.Ladder.Timesteps[i] <= 0 ? mean : mean + run.Noise(x) * (Spread(sigma, next) * Math.Sqrt(1 + Square(next)));
    }

    private double Spread(double sigma, double next)
    {
        var (alpha, previous) = (1 / (1 + Square(sigma)), 1 / (1 + Square(next)));
        var beta = 1 - alpha / previous;
        var posterior = Math.Max((1 - previous) / (1 - alpha) * beta, 1e-20);
        return Math.Sqrt(variance == DdpmVariance.FixedLarge ? beta : posterior);
    }
}
