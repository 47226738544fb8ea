using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>DPM-Solver++ for the stochastic equation, second order in single steps.</summary>
/// <param name="eta">Share of fresh noise.</param>
/// <param name="noiseMultiplier">What noise is multiplied with.</param>
/// <param name="r">Where the inner evaluation lies, as a share of the step in log σ.</param>
/// <remarks>crowsonkb/k-diffusion, sampling.py, sample_dpmpp_sde.</remarks>
internal sealed class DpmPlusPlusSde(double eta, double noiseMultiplier, double r) : StepSampler
{
    public override int Calls(Ladder ladder) => TwiceButOnce(ladder);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var (sigma, next) = (run.Ladder.Sigmas[i], run.Ladder.Landing(i));
        var denoised = run.Denoise(x, sigma);
        if (next == 0) return denoised;
        var middle = Math.Exp(Math.Log(sigma) + r * Math.Log(next / sigma));
        var inner = run.DenoiseBetween(Down(run, x, denoised, sigma, middle), middle);
        var share = 1 / (2 * r);
        return Down(run, x, denoised * (1 - share) + inner * share, sigma, next);
    }

    private Tensor Down(Trajectory run, Tensor x, Tensor denoised, double sigma, double to)
    {
        var (down, up) = Ancestral(sigma, to, eta);
        return x * (down / sigma) + denoised * (1 - down / sigma) + run.Noise(x) * (up * noiseMultiplier);
    }
}
