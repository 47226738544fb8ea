using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>How a multistep DPM solver is set.</summary>
/// <param name="Order">1, 2 or 3.</param>
/// <param name="Solver">Second-order formula.</param>
/// <param name="PredictX0">Works on clean predictions (DPM-Solver++); false: on noise (DPM-Solver).</param>
/// <param name="Eta">Share of fresh noise; 0 is the ordinary differential equation.</param>
/// <param name="LowerOrderFinal">The last steps of a run of fewer than 15 fall to lower orders.</param>
/// <param name="EulerAtFinal">The last step is first order.</param>
internal sealed record DpmOptions(int Order, SolverType Solver, bool PredictX0, double Eta, bool LowerOrderFinal, bool EulerAtFinal)
{
    public double NoiseMultiplier { get; init; } = 1;

    public NoiseDraws Draws { get; init; }
}

/// <summary>DPM-Solver and DPM-Solver++, multistep, of order 1 to 3, with or without noise.</summary>
/// <remarks>
/// Lu et al. (2022a, 2022b); huggingface/diffusers, scheduling_dpmsolver_multistep.py; crowsonkb/k-diffusion, sampling.py, sample_dpmpp_2m,
/// sample_dpmpp_2m_sde and sample_dpmpp_3m_sde. With λ = −log σ every formula is the same in any scaling of the latents.
/// </remarks>
internal sealed class DpmMultistep(DpmOptions options) : StepSampler
{
    private readonly History _outputs = new(options.Order);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var sigmas = run.Ladder.Sigmas;
        var (sigma, next) = (sigmas[i], sigmas[i + 1]);
        var denoised = run.Denoise(x, sigma);
        _outputs.Push(options.PredictX0 ? denoised : (x - denoised) / sigma);
        var order = Math.Min(OrderAt(i, run.Ladder.Steps, next), _outputs.Count);
        if (next == 0)
        {
            if (options.Eta > 0 && options.Draws == NoiseDraws.AsDiffusers) run.SkipNoise();
            return denoised;
        }
        var h = Math.Log(sigma / next);
        var (d1, d2) = Differences(sigmas, i, h, order);
        var exact = order == 3 || options.Solver == SolverType.Heun;
        var stepped = options.PredictX0
            ? DpmFormulas.CleanStep(x, _outputs[0], h * (1 + options.Eta), d1, d2, exact)
            : DpmFormulas.NoiseStep(x, _outputs[0], next, h, d1, d2, exact, options.Eta > 0 ? 2 : 1);
        return options.Eta == 0 ? stepped : stepped + run.Noise(x) * (next * options.NoiseMultiplier * Spread(h));
    }

    private int OrderAt(int i, int steps, double next)
    {
        var few = options.LowerOrderFinal && steps < 15;
        if (i == steps - 1 && (options.EulerAtFinal || few || next == 0)) return 1;
        return i == steps - 2 && few ? Math.Min(2, options.Order) : options.Order;
    }

    private double Spread(double h) => Math.Sqrt(options.PredictX0 ? -double.ExpM1(-2 * options.Eta * h) : double.ExpM1(2 * h));

    // First and second divided differences of the outputs in units of h.
    private (Tensor? First, Tensor? Second) Differences(IReadOnlyList<double> sigmas, int i, double h, int order)
    {
        if (order < 2) return (null, null);
        var r0 = Math.Log(sigmas[i - 1] / sigmas[i]) / h;
        var newest = (_outputs[0] - _outputs[1]) / r0;
        if (order < 3) return (newest, null);
        var r1 = Math.Log(sigmas[i - 2] / sigmas[i - 1]) / h;
        var bend = newest - (_outputs[1] - _outputs[2]) / r1;
        return (newest + bend * (r0 / (r0 + r1)), bend / (r0 + r1));
    }
}
