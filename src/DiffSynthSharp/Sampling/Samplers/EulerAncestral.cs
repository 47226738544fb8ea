using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Euler steps that go down further than the next level and come up again with fresh noise.</summary>
/// <remarks>crowsonkb/k-diffusion, sampling.py, sample_euler_ancestral; diffusers draws noise after the last step, too.</remarks>
internal sealed class EulerAncestral(double eta, double noiseMultiplier, NoiseDraws draws) : StepSampler
{
    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var (sigma, next) = (run.Ladder.Sigmas[i], run.Ladder.Landing(i));
        var denoised = run.Denoise(x, sigma);
        var (down, up) = Ancestral(sigma, next, eta);
        var stepped = denoised + (x - denoised) * (down / sigma);
        if (next > 0) return stepped + run.Noise(x) * (up * noiseMultiplier);
        if (draws == NoiseDraws.AsDiffusers) run.SkipNoise();
        return stepped;
    }
}
