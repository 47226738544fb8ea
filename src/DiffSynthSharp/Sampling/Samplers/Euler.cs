using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Euler's method along the probability flow.</summary>
/// <remarks>Karras et al. (2022), algorithm 2 without correction; crowsonkb/k-diffusion, sampling.py, sample_euler.</remarks>
internal sealed class Euler(Churn churn, NoiseDraws draws) : StepSampler
{
    protected override Tensor Step(Trajectory run, int i, Tensor x)
        => Churned.Begin(run, i, x, churn, draws).To(run.Ladder.Landing(i));
}
