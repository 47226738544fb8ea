using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>DPM-Solver++ of second order in single steps, with fresh noise.</summary>
/// <remarks>crowsonkb/k-diffusion, sampling.py, sample_dpmpp_2s_ancestral.</remarks>
internal sealed class DpmPlusPlus2SAncestral(double eta, double noiseMultiplier) : StepSampler
{
    public override int Calls(Ladder ladder) => TwiceButOnce(ladder);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var (sigma, next) = (run.Ladder.Sigmas[i], run.Ladder.Landing(i));
        var denoised = run.Denoise(x, sigma);
        var (down, up) = Ancestral(sigma, next, eta);
        if (down > 0)
        {
            var middle = Math.Sqrt(sigma * down);
            denoised = run.DenoiseBetween(Towards(x, denoised, middle / sigma), middle);
        }
        var stepped = Towards(x, denoised, down / sigma);
        return next > 0 ? stepped + run.Noise(x) * (up * noiseMultiplier) : stepped;
    }

    private static Tensor Towards(Tensor x, Tensor denoised, double kept) => x * kept + denoised * (1 - kept);
}
