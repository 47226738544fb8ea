using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>How a step of a churned method begins: raised latents, their level and what is clean in them.</summary>
/// <remarks>Karras et al. (2022), algorithm 2, lines 4 to 7. diffusers' Euler asks the network before it adds the noise.</remarks>
internal readonly record struct Churned(Tensor X, double Sigma, Tensor Denoised)
{
    /// <summary>Where the flow leads: the noise in the latents.</summary>
    public Tensor Derivative => Sigma == 0 ? zeros_like(X) : (X - Denoised) / Sigma;

    public static Churned Begin(Trajectory run, int i, Tensor x, Churn churn, NoiseDraws draws)
    {
        var sigma = run.Ladder.Sigmas[i];
        var raised = churn.Raise(sigma, run.Ladder.Steps);
        if (raised == sigma)
        {
            if (draws == NoiseDraws.AsKDiffusion) run.SkipNoise();
            return new Churned(x, sigma, run.Denoise(x, sigma));
        }
        var noisy = x + run.Noise(x) * (churn.Noise * Math.Sqrt(raised * raised - sigma * sigma));
        if (!churn.AfterEvaluation) return new Churned(noisy, raised, run.Denoise(noisy, raised));
        return new Churned(noisy, raised, noisy - (x - run.Denoise(x, sigma)) * (raised / sigma));
    }

    /// <summary>An Euler step. Written from the clean latents, because levels may be so high that differences of latents are lost.</summary>
    public Tensor To(double next) => Denoised + Derivative * next;
}
