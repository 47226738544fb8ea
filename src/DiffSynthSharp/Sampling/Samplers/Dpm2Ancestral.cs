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
        var (from, to) = ((float)ladder.Sigmas[i], (float)ladder.Sigmas[i + 1]);
        var up = MathF.Sqrt(to * to * (from * from - to * to) / (from * from));
        if (eta != 1) up = MathF.Min(up * (float)eta, to);
        var down = MathF.Sqrt(MathF.Max(to * to - up * up, 0));
        var (high, low) = (MathF.Log(from), MathF.Log(down));
        return (down, up, MathF.Exp(low - (low - high) * 0.5f));
    }
}
