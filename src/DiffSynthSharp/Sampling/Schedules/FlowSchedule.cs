using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>Levels of flow matching: s = 1 is noise, s = 0 the picture, σ = s / (1 − s).</summary>
/// <remarks>
/// modelscope/DiffSynth-Studio, diffsynth/schedulers/flow_match.py; huggingface/diffusers, scheduling_flow_match_euler_discrete.py;
/// Esser et al. (2024), section 5.3.2, for the shift.
/// </remarks>
internal static class FlowSchedule
{
    /// <summary>What a level of 1 is called as a timestep.</summary>
    public const double TimestepScale = 1000;

    private const double NearNoise = 1e-6;
    private const int TrainedLevels = 1000, DynamicLevels = 10000;

    /// <summary>Moves a level towards the noise.</summary>
    public static double Shift(double level, double shift) => shift * level / (1 + (shift - 1) * level);

    /// <summary>The logarithm of the shift for a picture of so many tokens, on the line through two points; not clamped.</summary>
    public static double Mu(double tokens, double baseShift = 0.5, double maxShift = 1.15, double baseTokens = 256, double maxTokens = 4096)
        => baseShift + (tokens - baseTokens) * (maxShift - baseShift) / (maxTokens - baseTokens);

    /// <summary>The levels of a run, without the closing one.</summary>
    /// <param name="options">Ends and bends.</param>
    /// <param name="steps">At least 1.</param>
    /// <param name="strength">Share of the range that is walked.</param>
    public static double[] Levels(FlowOptions options, int steps, double strength = 1)
    {
        var first = options.SigmaMin + (options.SigmaMax - options.SigmaMin) * strength;
        return Bend(options, Even(first, options.SigmaMin, options.ExtraStep ? steps + 1 : steps).Take(steps));
    }

    /// <summary>An even list, bent.</summary>
    public static double[] Bend(FlowOptions options, IEnumerable<double> even)
    {
        double[] levels = [.. options.Inverted ? even.Reverse() : even];
        levels = [.. levels.Select(level => Shifted(options, level))];
        if (options.Terminal is { } terminal && levels[^1] < 1)
        {
            var scale = (1 - levels[^1]) / (1 - terminal);
            levels = [.. levels.Select(level => 1 - (1 - level) / scale)];
        }
        levels = options.Curve switch
        {
            SigmaCurve.Karras => Curves.Karras(levels.Length, levels[^1], levels[0]),
            SigmaCurve.Exponential => Curves.Exponential(levels.Length, levels[^1], levels[0]),
            SigmaCurve.Beta => Curves.Beta(levels.Length, levels[^1], levels[0]),
            _ => levels,
        };
        return options.Reversed ? [.. levels.Select(level => (double)(1 - (float)level))] : levels;
    }

    /// <summary>The levels of a flow network that was trained on an even list, shifted.</summary>
    /// <param name="options">The shift.</param>
    /// <param name="count">Entries of the list.</param>
    /// <param name="scale">What a level of 1 is called as a timestep.</param>
    public static LevelTable Table(FlowOptions options, int count, double scale)
        => new(
            [.. Enumerable.Range(1, count).Select(i => Shifted(options, i / (double)count))],
            level => level * scale,
            timestep => Shifted(options, timestep / scale));

    /// <summary>How much each of the levels of a training run counts: most in the middle.</summary>
    /// <returns>Weights that sum to their number.</returns>
    public static double[] TrainingWeights(IReadOnlyList<double> timesteps)
    {
        double count = timesteps.Count;
        double[] bells = [.. timesteps.Select(timestep => Math.Exp(-2 * Math.Pow((timestep - count / 2) / count, 2)))];
        var lowest = bells.Min();
        var sum = bells.Sum(bell => bell - lowest);
        return [.. bells.Select(bell => (bell - lowest) * count / sum)];
    }

    /// <summary>A ladder of these levels.</summary>
    /// <param name="levels">Falling, from 1 at most.</param>
    /// <param name="timesteps">What the network is told.</param>
    /// <param name="last">The level the last step ends at.</param>
    public static Ladder Of(IEnumerable<double> levels, IReadOnlyList<double> timesteps, double last = 0)
        => new([.. Grid.Close(levels, last).Select(Sigma)], timesteps);

    /// <summary>The levels of a flow network as ComfyUI lists them, to pick from.</summary>
    public static LevelTable Table(FlowOptions options) => options.Mu is null ? Table(options, TrainedLevels, TimestepScale) : Table(options, DynamicLevels, 1);

    /// <summary>A ladder of these levels, which the network is told times 1000.</summary>
    /// <param name="levels">Falling; those at 0 are left out, since a step from there moves nothing.</param>
    /// <param name="belowNoise">Whether a first level of pure noise becomes one just below it, for samplers that reckon with log σ.</param>
    public static Ladder Of(IEnumerable<double> levels, bool belowNoise)
    {
        double[] kept = [.. levels.Where(level => level > 0).Select(level => (double)(float)(belowNoise ? Math.Min(level, 1 - NearNoise) : level))];
        return Of(kept, [.. kept.Select(level => level * TimestepScale)]);
    }

    /// <summary>The timestep of a σ that may lie between the ladder's.</summary>
    public static double TimestepAt(double sigma) => sigma / (1 + sigma) * TimestepScale;

    /// <summary>The levels that solvers for noise schedules take for flow networks.</summary>
    /// <param name="settings">Sampler, training steps and end.</param>
    /// <param name="shift">Static shift.</param>
    /// <param name="steps">At least 1.</param>
    public static Ladder OfSolver(SchedulerSettings settings, double shift, int steps)
    {
        var even = Grid.Linspace(1, 1.0 / settings.TrainSteps, steps + 1);
        // UniPC begins just below pure noise; the other solvers a step of the training list below.
        double[] levels = settings.Sampler == "unipc"
            ? [.. even.Take(steps).Select(level => Shift(level, shift)).Select(level => level > 1 - NearNoise ? level - NearNoise : level)]
            : [.. even.Select(alpha => Shift(1 - alpha, shift)).Reverse().Take(steps)];
        double[] timesteps = [.. levels.Select(level => Math.Truncate(level * settings.TrainSteps))];
        return Of(levels, timesteps, settings.Sampler == "deis" || settings.EndsAtSigmaMin ? (float)levels[^1] : 0);
    }

    // The small differences from 1 that a reversed list is made of are those of float32.
    private static float ShiftSingle(float level, float shift) => shift * level / (1 + (shift - 1) * level);

    private static IEnumerable<double> Even(double first, double last, int count)
    {
        using var even = linspace(first, last, count, float32);
        return even.data<float>().ToArray().Select(level => (double)level);
    }

    private static double Sigma(double level) => level < 1 ? level / (1 - level) : AlphaTable.PureNoise;

    private static double Shifted(FlowOptions options, double level)
    {
        if (options.Mu is not { } mu) return options.Reversed ? ShiftSingle((float)level, (float)options.Shift) : Shift(level, options.Shift);
        var factor = options.LinearMu ? mu : Math.Exp(mu);
        return factor / (factor + 1 / level - 1);
    }
}
