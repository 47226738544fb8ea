using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Jumps to the clean picture and noises it again to the next level, at every step.</summary>
/// <remarks>huggingface/diffusers, scheduling_flow_match_lcm.py, and scheduling_flow_match_euler_discrete.py with stochastic_sampling.</remarks>
internal sealed class Renoise : StepSampler
{
    protected override Tensor Step(Trajectory run, int i, Tensor x)
        => run.Denoise(x, run.Ladder.Sigmas[i]) + run.Noise(x) * run.Ladder.Landing(i);
}
