using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Unified predictor-corrector: each step's start is corrected with the prediction made there, at no extra model call.</summary>
/// <remarks>Zhao et al. (2023); huggingface/diffusers, scheduling_unipc_multistep.py.</remarks>
internal sealed class UniPc(int order, SolverType solver, bool predictX0, bool lowerOrderFinal, IReadOnlyList<int> disabledCorrectors) : StepSampler
{
    private readonly History _outputs = new(order + 1);
    private readonly History _starts = new(1);
    private int _lastOrder;

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var sigmas = run.Ladder.Sigmas;
        var denoised = run.Denoise(x, sigmas[i]);
        _outputs.Push(predictX0 ? denoised : (x - denoised) / sigmas[i]);
        if (i > 0 && !disabledCorrectors.Contains(i - 1)) x = Advance(_starts[0], sigmas, i - 1, _lastOrder, correct: true);
        _starts.Push(x);
        _lastOrder = Math.Min(lowerOrderFinal ? Math.Min(order, run.Ladder.Steps - i) : order, i + 1);
        return Advance(x, sigmas, i, _lastOrder, correct: false);
    }

    // From level i to level i + 1. A correction knows the output at level i + 1 and counts it as the newest.
    private Tensor Advance(Tensor x, IReadOnlyList<double> sigmas, int i, int order, bool correct)
    {
        var newest = correct ? 1 : 0;
        var (sigma, next) = (sigmas[i], sigmas[i + 1]);
        if (next == 0) return predictX0 ? _outputs[newest].alias() : x - _outputs[newest] * sigma;
        var h = Math.Log(sigma / next);
        var hh = predictX0 ? -h : h;
        double[] ratios = [.. Enumerable.Range(1, order - 1).Select(k => Math.Log(sigma / sigmas[i - k]) / h), 1];
        var weights = UniPcWeights.Of(ratios, hh, solver, correct);
        var result = zeros_like(x);
        for (var k = 1; k < order; k++) result += (_outputs[newest + k] - _outputs[newest]) * (weights[k - 1] / ratios[k - 1]);
        if (correct) result += (_outputs[0] - _outputs[1]) * weights[^1];
        var (kept, scale) = predictX0 ? (next / sigma, 1.0) : (1.0, next);
        return x * kept - _outputs[newest] * (scale * double.ExpM1(hh)) - result * (scale * UniPcWeights.Base(hh, solver));
    }
}
