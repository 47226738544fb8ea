using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>DPM-Solver of third order that chooses its own steps by the difference to second order. Ends at the smallest level.</summary>
/// <remarks>
/// Lu et al. (2022a), appendix C; crowsonkb/k-diffusion, sampling.py, sample_dpm_adaptive with its published tolerances. The error is taken over the
/// whole batch, so here a picture does depend on its neighbours.
/// </remarks>
internal sealed class DpmAdaptive(NoiseDraws draws) : Sampler
{
    private const double Relative = 0.05, Absolute = 0.0078, FirstStep = 0.05, Safety = 0.81;

    public override Tensor Run(Trajectory run, Tensor x, Action<int, Tensor>? finished = null)
    {
        using var scope = NewDisposeScope();
        var (time, end, h) = (-Math.Log(run.Ladder.Sigmas[0]), -Math.Log(run.Ladder.Sigmas.Last(sigma => sigma > 0)), FirstStep);
        x = x.alias();
        var low = x.alias();
        while (time < end - 1e-5)
        {
            using var step = NewDisposeScope();
            var to = Math.Min(end, time + h);
            var solver = new DpmExponential(run, x, Math.Exp(-time));
            var (second, third) = (solver.Second(Math.Exp(-to), 1.0 / 3), solver.Third(Math.Exp(-to)));
            var factor = 1 + Math.Atan(Math.Pow(1 / (Error(second, third, low) + 1e-8), 1.0 / 3) - 1);
            h *= factor;
            if (factor < Safety) continue;
            if (draws == NoiseDraws.AsKDiffusion) run.SkipNoise();
            time = to;
            third = run.Land(third, Math.Exp(-time), time >= end - 1e-5);
            (x, low) = (Kept(x, third), Kept(low, second));
            finished?.Invoke(run.Index++, x);
        }
        return x.MoveToOuterDisposeScope();
    }

    private static double Error(Tensor second, Tensor third, Tensor low)
    {
        var scale = (second.abs().maximum(low.abs()) * Relative).clamp_min(Absolute);
        return ((second - third) / scale).square().mean().sqrt().ToDouble();
    }

    private static Tensor Kept(Tensor old, Tensor value)
    {
        old.Dispose();
        return value.MoveToOuterDisposeScope();
    }
}
