using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Trajectory consistency distillation: jump below the next level along the prediction, then come up with fresh noise.</summary>
/// <param name="eta">0 jumps to the next level without noise, 1 to the clean picture.</param>
/// <remarks>Zheng et al. (2024), strategic stochastic sampling; huggingface/diffusers, scheduling_tcd.py.</remarks>
internal sealed class Tcd(double eta) : StepSampler
{
    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var sigma = run.Ladder.Sigmas[i];
        var last = i == run.Ladder.Steps - 1;
        var denoised = run.Denoise(x, sigma);
        var next = run.Ladder.Landing(i);
        var below = last ? next : run.Ladder.LevelOf(Math.Floor((1 - eta) * run.Ladder.Timesteps[i + 1]));
        var jumped = denoised + (x - denoised) * (below / sigma);
        return eta == 0 || last ? jumped : jumped + run.Noise(x) * Math.Sqrt(Math.Max(0, Square(next) - Square(below)));
    }
}
