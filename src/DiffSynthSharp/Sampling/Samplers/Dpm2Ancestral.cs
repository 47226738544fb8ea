using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary><see cref="Dpm2"/> that goes down further than the next level and comes up again with fresh noise.</summary>
/// <remarks>crowsonkb/k-diffusion, sampling.py, sample_dpm_2_ancestral.</remarks>
internal sealed class Dpm2Ancestral(double eta, double noiseMultiplier) : StepSampler
{
    public override int Calls(Ladder ladder) => TwiceButOnce(ladder);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var sigma = run.Ladder.Sigmas[i];
        var denoised = run.Denoise(x, sigma);
        var (down, up, middle) = Levels(run.Ladder, i);
        if (down == 0) return up == 0 ? denoised : denoised + run.Noise(x) * (up * noiseMultiplier);
        var half = denoised + (x - denoised) * (middle / sigma);
        return x + (half - run.DenoiseBetween(half, middle)) * ((down - sigma) / middle) + run.Noise(x) * (up * noiseMultiplier);
    }

    // As Ancestral, but in float32: the squares nearly cancel, and what is left of them there moves the inner level visibly.
    private (double Down, double Up, double Middle) Levels(Ladder ladder, int i)
    {
        if (eta == 0) return (ladder.Landing(i), 0, Math.Sqrt(ladder.Sigmas[i] * ladder.Landing(i)));
        var from = tensor(ladder.Sigmas.Select(sigma => (float)sigma).ToArray());
        var to = tensor(ladder.Sigmas.Skip(1).Append(0).Select(sigma => (float)sigma).ToArray());
        var up = (to.pow(2) * (from.pow(2) - to.pow(2)) / from.pow(2)).pow(0.5);
        if (eta != 1) up = (up * eta).minimum(to);
        var down = (to.pow(2) - up.pow(2)).clamp_min(0).pow(0.5);
        var middle = from.log().lerp(down.log(), 0.5).exp();
        return (down[i].item<float>(), up[i].item<float>(), middle[i].item<float>());
    }
}
