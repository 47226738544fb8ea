using DiffSynthSharp.Sampling.Samplers;

namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>The ladders of diffusers' schedulers. Each group of samplers spaces its timesteps in its own way.</summary>
/// <remarks>huggingface/diffusers, src/diffusers/schedulers, set_timesteps of each class.</remarks>
internal static class DiffusersSchedule
{
    public static Ladder Create(SchedulerSettings settings, AlphaTable table, int steps, double strength = 1)
        => SamplerNames.Find(settings.Sampler).Spacing switch
        {
            StepSpacing.Integer => IntegerLadder(settings, table, steps),
            StepSpacing.Solver => SolverLadder(settings, table, steps),
            StepSpacing.Consistency => ConsistencyLadder(settings, table, steps, strength),
            _ => ContinuousLadder(settings, table, steps),
        };

    // DDIM and PNDM step T/n timesteps back, wherever the next entry of the list is; DDPM steps to the next entry and ends clean.
    private static Ladder IntegerLadder(SchedulerSettings settings, AlphaTable table, int steps)
    {
        var timesteps = Spaced(settings, settings.TrainSteps, steps, steps);
        var sigmas = timesteps.Select(timestep => Level(table, timestep)).ToArray();
        if (settings.Sampler == "ddpm") return new Ladder([.. sigmas, 0], timesteps);
        var back = settings.TrainSteps / steps;
        var end = settings.EndsAtFirstAlpha ? table.SigmaMin : 0;
        var landings = timesteps.Select(timestep => timestep - back >= 0 ? Level(table, timestep - back) : end).ToArray();
        var ladder = new Ladder([.. sigmas, landings[^1]], timesteps);
        return landings.SequenceEqual(ladder.Sigmas.Skip(1)) ? ladder : ladder with { Landings = landings };
    }

    private static Ladder ContinuousLadder(SchedulerSettings settings, AlphaTable table, int steps)
    {
        var timesteps = Spaced(settings, settings.TrainSteps, steps, steps, whole: false);
        var read = settings.LogLinearSigmas
            ? Curves.Exponential(steps + 1, table.SigmaMin, table.SigmaMax)
            : [.. timesteps.Select(table.SigmaAt)];
        if (settings.Curve != SigmaCurve.None)
        {
            read = Curve(settings, steps, settings.SigmaMin ?? read[^1], settings.SigmaMax ?? read[0]);
            var rounds = settings.Curve == SigmaCurve.Karras && settings.Sampler is "dpm2" or "dpm2-a";
            timesteps = [.. read.Select(sigma => rounds ? Grid.Round(table.TimestepAt(sigma)) : table.TimestepAt(sigma))];
        }
        // Log-linear levels are one more than steps, so the last step ends at the lowest of them.
        var last = read.Length > steps ? read[steps] : settings.EndsAtSigmaMin ? table.SigmaMin : 0;
        return new Ladder(Grid.Close(read.Take(steps), last), [.. timesteps.Select(timestep => (double)(float)timestep)]);
    }

    private static Ladder SolverLadder(SchedulerSettings settings, AlphaTable table, int steps)
    {
        var timesteps = SolverTimesteps(settings, steps);
        double[] sigmas = [.. timesteps.Select(table.SigmaAt)];
        if (settings.Curve != SigmaCurve.None)
        {
            sigmas = Curve(settings, steps, settings.SigmaMin ?? table.SigmaMin, settings.SigmaMax ?? table.SigmaMax);
            var rounds = settings.Curve is SigmaCurve.Karras or SigmaCurve.Lu && settings.BetaCurve != BetaCurve.SquaredCosine;
            timesteps = [.. sigmas.Select(sigma => rounds ? Grid.Round(table.TimestepAt(sigma)) : Math.Truncate(table.TimestepAt(sigma)))];
        }
        // DEIS divides by its levels: it never ends at 0, and on a curve it makes its last step in place.
        var last = settings.Sampler == "deis" && settings.Curve != SigmaCurve.None ? (float)sigmas[^1] : settings.EndsAtSigmaMin ? table.SigmaMin : 0;
        return new Ladder(Grid.Close(sigmas, last), timesteps);
    }

    private static double[] SolverTimesteps(SchedulerSettings settings, int steps)
        => settings.Spacing == TimestepSpacing.Trailing
            ? Spaced(settings, settings.TrainSteps, steps, steps)
            : [.. Spaced(settings, settings.TrainSteps, steps + 1, steps + 1).Take(steps)];

    // The timesteps of the distillation, thinned out from the noisiest of the share that is walked.
    private static Ladder ConsistencyLadder(SchedulerSettings settings, AlphaTable table, int steps, double strength)
    {
        var original = (int)(settings.OriginalSteps * strength);
        if (steps > original || settings.OriginalSteps > settings.TrainSteps)
            throw new DiffSynthException(
                $"{settings.Sampler} takes at most {original} steps here, the number it was distilled on times the strength; {steps} were asked for.");
        var stride = settings.TrainSteps / settings.OriginalSteps;
        double[] timesteps = [.. Enumerable.Range(0, steps).Select(i => (original - Math.Floor(i * (original / (double)steps))) * stride - 1)];
        return new Ladder([.. timesteps.Select(timestep => Level(table, timestep)), settings.Sampler == "tcd" ? table.SigmaMin : 0], timesteps);
    }

    private static double[] Spaced(SchedulerSettings settings, int train, int count, int divisor, bool whole = true) => settings.Spacing switch
    {
        TimestepSpacing.Linspace => [.. Grid.Linspace(0, train - 1, count).Reverse().Select(timestep => whole ? Grid.Round(timestep) : (float)timestep)],
        TimestepSpacing.Leading => [.. Enumerable.Range(0, count).Reverse().Select(i => (double)(i * (train / divisor) + settings.Offset))],
        _ => Grid.Trailing(train, count),
    };

    private static double[] Curve(SchedulerSettings settings, int steps, double low, double high) => settings.Curve switch
    {
        SigmaCurve.Karras => Curves.Karras(steps, low, high, settings.Rho ?? 7),
        SigmaCurve.Exponential or SigmaCurve.Lu => Curves.Exponential(steps, low, high),
        _ => Curves.Beta(steps, low, high),
    };

    private static double Level(AlphaTable table, double timestep)
        => timestep >= 0 && timestep < table.Count ? table.Sigmas[(int)timestep]
            : throw new DiffSynthException(
                $"The schedule asks for timestep {timestep}; the network was trained on 0 to {table.Count - 1}. Take fewer steps or a smaller offset.");
}
