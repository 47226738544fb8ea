using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Heun's method along the straight path of flow matching.</summary>
/// <remarks>huggingface/diffusers, scheduling_flow_match_heun_discrete.py. Averaging velocities differs from averaging directions in σ.</remarks>
internal sealed class FlowHeun : StepSampler
{
    public override int Calls(Ladder ladder) => TwiceButOnce(ladder);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var (sigma, next) = (run.Ladder.Sigmas[i], run.Ladder.Landing(i));
        var denoised = run.Denoise(x, sigma);
        if (next == 0) return denoised;
        var path = x / (1 + sigma);
        var (level, nextLevel) = (sigma / (1 + sigma), next / (1 + next));
        var velocity = (path - denoised) / level;
        var euler = path + velocity * (nextLevel - level);
        var corrected = (euler - run.Denoise(euler * (1 + next), next)) / nextLevel;
        return (path + (velocity + corrected) * (0.5 * (nextLevel - level))) * (1 + next);
    }
}
