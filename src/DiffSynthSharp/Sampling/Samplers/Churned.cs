using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>How a step of a churned method begins: raised latents, their level and the direction of the flow there.</summary>
/// <remarks>Karras et al. (2022), algorithm 2, lines 4 to 7. diffusers' Euler asks the network before it adds the noise.</remarks>
internal readonly record struct Churned(Tensor X, double Sigma, Tensor Derivative)
{
    public static Churned Begin(Trajectory run, int i, Tensor x, Churn churn, NoiseDraws draws)
    {
        var sigma = run.Ladder.Sigmas[i];
        var raised = churn.Raise(sigma, run.Ladder.Steps);
        if (raised == sigma && draws == NoiseDraws.AsKDiffusion) run.SkipNoise();
        var noisy = raised > sigma ? x + run.Noise(x) * (churn.Noise * Math.Sqrt(raised * raised - sigma * sigma)) : x;
        var (seen, level) = churn.AfterEvaluation ? (x, sigma) : (noisy, raised);
        return new Churned(noisy, raised, (seen - run.Denoise(seen, level)) / level);
    }
}
