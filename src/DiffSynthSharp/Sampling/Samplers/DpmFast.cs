using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>
/// DPM-Solver-Fast: third-order steps, evenly in log σ, that make exactly as many model calls as steps were asked for. Ends at the smallest level.
/// </summary>
/// <remarks>Lu et al. (2022a), section 3.4; crowsonkb/k-diffusion, sampling.py, sample_dpm_fast.</remarks>
internal sealed class DpmFast(NoiseDraws draws) : Sampler
{
    public override Tensor Run(Trajectory run, Tensor x, Action<int, Tensor>? finished = null)
    {
        using var scope = NewDisposeScope();
        var (high, low, calls) = (run.Ladder.Sigmas[0], run.Ladder.Sigmas.Last(sigma => sigma > 0), run.Ladder.Steps);
        var count = calls / 3 + 1;
        int[] orders = calls % 3 == 0 ? [.. Enumerable.Repeat(3, count - 2), 2, 1] : [.. Enumerable.Repeat(3, count - 1), calls % 3];
        x = x.alias();
        for (var (i, made) = (0, 0); i < orders.Length; made += orders[i++])
        {
            using var step = NewDisposeScope();
            run.Index = made;
            var solver = new DpmExponential(run, x, high * Math.Pow(low / high, i / (double)count));
            var to = high * Math.Pow(low / high, (i + 1) / (double)count);
            var next = orders[i] switch { 1 => solver.First(to), 2 => solver.Second(to), _ => solver.Third(to) };
            if (draws == NoiseDraws.AsKDiffusion) run.SkipNoise();
            finished?.Invoke(made + orders[i] - 1, next);
            next = run.Land(next, to, i + 1 == orders.Length);
            next.MoveToOuterDisposeScope();
            x.Dispose();
            x = next;
        }
        return x.MoveToOuterDisposeScope();
    }
}
