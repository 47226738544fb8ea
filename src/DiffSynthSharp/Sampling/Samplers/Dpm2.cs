using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>A second-order method that takes the direction half way down, in log σ.</summary>
/// <remarks>Lu et al. (2022a) with Karras et al.'s churn; crowsonkb/k-diffusion, sampling.py, sample_dpm_2.</remarks>
internal sealed class Dpm2(Churn churn, NoiseDraws draws) : StepSampler
{
    public override int Calls(Ladder ladder) => TwiceButOnce(ladder);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var start = Churned.Begin(run, i, x, churn, draws);
        var next = run.Ladder.Landing(i);
        if (next == 0) return start.Denoised;
        var middle = Math.Sqrt(start.Sigma * next);
        var half = start.To(middle);
        return start.X + (half - run.DenoiseBetween(half, middle)) * ((next - start.Sigma) / middle);
    }
}
