using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Euler's method along the probability flow.</summary>
/// <remarks>Karras et al. (2022), algorithm 2 without correction; crowsonkb/k-diffusion, sampling.py, sample_euler.</remarks>
internal sealed class Euler(Churn churn, NoiseDraws draws) : Sampler
{
    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var start = Churned.Begin(run, i, x, churn, draws);
        return start.X + start.Derivative * (run.Ladder.Landing(i) - start.Sigma);
    }
}
