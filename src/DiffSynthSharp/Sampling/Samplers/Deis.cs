using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Diffusion exponential integrator: integrates a polynomial in log σ through the last directions.</summary>
/// <remarks>Zhang and Chen (2023), the log-ρ variant; huggingface/diffusers, scheduling_deis_multistep.py.</remarks>
internal sealed class Deis(int order, bool lowerOrderFinal) : StepSampler
{
    private readonly History _derivatives = new(order);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var sigmas = run.Ladder.Sigmas;
        var (sigma, next, steps) = (sigmas[i], sigmas[i + 1], run.Ladder.Steps);
        _derivatives.Push((x - run.Denoise(x, sigma)) / sigma);
        var left = lowerOrderFinal && steps < 15 ? steps - i : order;
        var used = Math.Min(next == 0 ? 1 : Math.Min(order, left), _derivatives.Count);
        if (used == 1) return x + _derivatives[0] * (next - sigma);
        for (var j = 0; j < used; j++) x += _derivatives[j] * Coefficient(sigmas, i, j, used);
        return x;
    }

    // ∫ dσ over the step of the polynomial in log σ that is 1 at level i − j and 0 at the other levels.
    private static double Coefficient(IReadOnlyList<double> sigmas, int i, int j, int order)
    {
        double[] others = [.. Enumerable.Range(0, order).Where(k => k != j).Select(k => Math.Log(sigmas[i - k]))];
        var own = Math.Log(sigmas[i - j]);
        var scale = others.Aggregate(1.0, (product, other) => product * (own - other));
        return (Integral(sigmas[i + 1], others) - Integral(sigmas[i], others)) / scale;
    }

    // Antiderivative of Π (log σ − c) for one or two c.
    private static double Integral(double sigma, double[] c)
    {
        var log = Math.Log(sigma);
        return c.Length == 1 ? sigma * (log - 1 - c[0]) : sigma * (log * log - (2 + c[0] + c[1]) * (log - 1) + c[0] * c[1]);
    }
}
