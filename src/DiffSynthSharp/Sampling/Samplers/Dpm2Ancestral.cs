using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary><see cref="Dpm2"/> that goes down further than the next level and comes up again with fresh noise.</summary>
/// <remarks>crowsonkb/k-diffusion, sampling.py, sample_dpm_2_ancestral.</remarks>
internal sealed class Dpm2Ancestral(double eta, double noiseMultiplier) : StepSampler
{
    public override int Calls(int steps) => 2 * steps - 1;

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var sigma = run.Ladder.Sigmas[i];
        var denoised = run.Denoise(x, sigma);
        var (down, up) = Ancestral(sigma, run.Ladder.Landing(i), eta);
        if (down == 0) return denoised;
        var middle = Math.Sqrt(sigma * down);
        var half = denoised + (x - denoised) * (middle / sigma);
        return x + (half - run.Denoise(half, middle)) * ((down - sigma) / middle) + run.Noise(x) * (up * noiseMultiplier);
    }
}
