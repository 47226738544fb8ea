using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>
/// DPM-Solver and DPM-Solver++ in single steps: groups of one, two or three levels are crossed together, each from the group's first latents.
/// </summary>
/// <remarks>Lu et al. (2022a, 2022b); huggingface/diffusers, scheduling_dpmsolver_singlestep.py.</remarks>
internal sealed class DpmSinglestep(DpmOptions options) : StepSampler
{
    private readonly History _outputs = new(options.Order);
    private readonly History _start = new(1);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var sigmas = run.Ladder.Sigmas;
        var (sigma, next) = (sigmas[i], sigmas[i + 1]);
        var denoised = run.Denoise(x, sigma);
        _outputs.Push(options.PredictX0 ? denoised : (x - denoised) / sigma);
        var order = Math.Min(Orders(run.Ladder.Steps, sigmas[^1])[i], _outputs.Count);
        if (order == 1) _start.Push(x);
        if (next == 0)
        {
            if (options.Eta > 0) run.SkipNoise();
            return denoised;
        }
        var first = i - order + 1;
        var h = Math.Log(sigmas[first] / next);
        var (d1, d2) = Differences(sigmas, first, h, order);
        var stepped = options.PredictX0
            ? DpmFormulas.CleanStep(_start[0], _outputs[order - 1], h * (1 + options.Eta), d1, d2, Bends(order))
            : DpmFormulas.NoiseStep(_start[0], _outputs[order - 1], next, h, d1, d2, Bends(order));
        return options.Eta == 0 ? stepped : stepped + run.Noise(x) * (next * Math.Sqrt(-double.ExpM1(-2 * options.Eta * h)));
    }

    private bool Bends(int order) => order == 3 || options.Solver == SolverType.Heun;

    // How many levels the step that ends at each level crosses: 1, 2, 3, 1, 2, 3 … with lower orders at the end.
    private int[] Orders(int steps, double last)
    {
        var order = options.Order;
        int[] orders = [.. Enumerable.Range(0, steps).Select(i => i % order + 1)];
        if (last == 0 || (options.LowerOrderFinal && steps % order == 0)) orders[^1] = 1;
        return orders;
    }

    // Divided differences from the group's first output, in units of h.
    private (Tensor? First, Tensor? Second) Differences(IReadOnlyList<double> sigmas, int first, double h, int order)
    {
        if (order == 1) return (null, null);
        double At(int k) => Math.Log(sigmas[first] / sigmas[first + k]) / h;
        var oldest = _outputs[order - 1];
        var far = (_outputs[0] - oldest) / At(order - 1);
        if (order == 2) return (far, null);
        if (options.Solver == SolverType.Midpoint) return (far, null);
        var near = (_outputs[1] - oldest) / At(1);
        var (r0, r1) = (At(2), At(1));
        return ((near * r0 - far * r1) / (r0 - r1), (far - near) * (2 / (r0 - r1)));
    }
}
