using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Heun's method: an Euler step, corrected by the direction found at its end.</summary>
/// <remarks>Karras et al. (2022), algorithm 2; crowsonkb/k-diffusion, sampling.py, sample_heun.</remarks>
internal sealed class Heun(Churn churn, NoiseDraws draws) : StepSampler
{
    public override int Calls(Ladder ladder) => TwiceButOnce(ladder);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var start = Churned.Begin(run, i, x, churn, draws);
        var next = run.Ladder.Landing(i);
        var euler = start.To(next);
        if (next == 0) return euler;
        var corrected = (euler - run.Denoise(euler, next)) / next;
        return start.X + (start.Derivative + corrected) * (0.5 * (next - start.Sigma));
    }
}
