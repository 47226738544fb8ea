using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>A sampler that makes one step for each level of the ladder.</summary>
internal abstract class StepSampler : Sampler
{
    public override Tensor Run(Trajectory run, Tensor x, Action<int, Tensor>? finished = null)
    {
        using var scope = NewDisposeScope();
        x = x.alias();
        for (var i = 0; i < run.Ladder.Steps; i++)
        {
            using var step = NewDisposeScope();
            run.Index = i;
            var next = Step(run, i, x).alias();
            finished?.Invoke(i, next);
            if (i + 1 < run.Ladder.Steps && run.Ladder.Landing(i) != run.Ladder.Sigmas[i + 1])
                next *= Math.Sqrt((1 + Square(run.Ladder.Sigmas[i + 1])) / (1 + Square(run.Ladder.Landing(i))));
            next = run.Land(next, run.Ladder.Sigmas[i + 1], i + 1 == run.Ladder.Steps);
            next.MoveToOuterDisposeScope();
            x.Dispose();
            x = next;
        }
        return x.MoveToOuterDisposeScope();
    }

    /// <summary>Latents at level i to latents at the level where step i lands.</summary>
    protected abstract Tensor Step(Trajectory run, int i, Tensor x);

    protected static double Square(double value) => value * value;

    /// <summary>The levels of an ancestral step: how far to go down, and how much noise to add to come up again.</summary>
    /// <param name="from">The level before the step.</param>
    /// <param name="to">The level after it.</param>
    /// <param name="eta">0 adds no noise, 1 all of the reverse process'.</param>
    protected static (double Down, double Up) Ancestral(double from, double to, double eta)
    {
        if (eta == 0) return (to, 0);
        var up = Math.Min(to, eta * to * Math.Sqrt(Math.Max(0, Square(from) - Square(to))) / from);
        return (Math.Sqrt(Math.Max(0, Square(to) - Square(up))), up);
    }
}
