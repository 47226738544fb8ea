using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Latent consistency models: jump to the clean picture and noise it again to the next level.</summary>
/// <remarks>Luo et al. (2023); huggingface/diffusers, scheduling_lcm.py, with its boundary condition (data deviation 0.5).</remarks>
internal sealed class Lcm(double timestepScaling) : StepSampler
{
    private const double DataDeviation = 0.5;

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var (sigma, next) = (run.Ladder.Sigmas[i], run.Ladder.Landing(i));
        var time = run.Ladder.Timesteps[i] * timestepScaling;
        var norm = Square(time) + Square(DataDeviation);
        var skip = Square(DataDeviation) / norm / Math.Sqrt(1 + Square(sigma));
        var denoised = run.Denoise(x, sigma) * (time / Math.Sqrt(norm)) + x * skip;
        return i == run.Ladder.Steps - 1 ? denoised : denoised + run.Noise(x) * next;
    }
}
