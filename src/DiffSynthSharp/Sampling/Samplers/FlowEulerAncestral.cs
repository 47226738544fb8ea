using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Euler steps on the straight path that go down further than the next level and come up with fresh noise.</summary>
/// <remarks>huggingface/diffusers, scheduling_ltx_euler_ancestral_rf.py.</remarks>
internal sealed class FlowEulerAncestral(double eta, double noiseMultiplier) : StepSampler
{
    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var (sigma, next) = (run.Ladder.Sigmas[i], run.Ladder.Landing(i));
        var denoised = run.Denoise(x, sigma);
        if (next == 0) return denoised;
        var (level, nextLevel) = (sigma / (1 + sigma), next / (1 + next));
        var downLevel = nextLevel * (1 + (nextLevel / level - 1) * eta);
        var down = downLevel / (1 - downLevel);
        var stepped = denoised + (x - denoised) * (down / sigma);
        return eta == 0 ? stepped : stepped + run.Noise(x) * (noiseMultiplier * Math.Sqrt(Math.Max(0, Square(next) - Square(down))));
    }
}
