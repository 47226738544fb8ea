using DiffSynthSharp.Sampling.Samplers;

namespace DiffSynthSharp.Sampling;

/// <summary>Makes sure that a run's settings go together.</summary>
internal static class PlanCheck
{
    /// <summary>More steps than this no flow schedule is asked for.</summary>
    public const int MostFlowSteps = 1000;

    /// <exception cref="DiffSynthException">The network cannot predict what it is said to.</exception>
    public static void Prediction(SchedulerSettings settings, Prediction? asked)
    {
        var (isFlow, asksFlow) = (settings.Flow is not null, (asked ?? settings.Prediction) == Sampling.Prediction.Flow);
        if (isFlow && !asksFlow)
            throw new DiffSynthException("This model was trained by flow matching: it predicts neither noise nor v. Leave the prediction out.");
        if (!isFlow && asksFlow)
            throw new DiffSynthException("This model was trained on a table of noise levels, not by flow matching; it predicts epsilon or v.");
    }

    /// <exception cref="DiffSynthException">A number is out of range.</exception>
    public static void Numbers(SchedulerSettings settings, int steps, double strength, string? stepList)
    {
        var most = settings.Flow is null ? settings.TrainSteps : MostFlowSteps;
        if (steps < 1 || steps > most)
            throw new DiffSynthException(
                $"{steps} steps are not possible; take 1 to {most}{(settings.Flow is null ? ", the number of timesteps the network was trained on" : "")}.");
        if (!(strength >= 0 && strength <= 1))
            throw new DiffSynthException($"A strength of {strength} is not possible; take 0 (keep the picture) to 1 (begin at pure noise).");
        if (stepList is not (null or "kept" or "spread"))
            throw new DiffSynthException(KnownNames.Unknown("list of image-to-image steps", stepList, ["kept", "spread"]));
        if (settings is { Shift: not null, Flow: null })
            throw new DiffSynthException("A shift is for models trained by flow matching, which this one is not. Leave it out.");
        if (settings.Shift is { } shift && !(shift > 0 && double.IsFinite(shift)))
            throw new DiffSynthException($"A shift of {shift} is not possible; take a number above 0, such as 3.");
    }

    /// <exception cref="DiffSynthException">The sampler doesn't fit a network trained on a table of noise levels.</exception>
    public static void Noise(SchedulerSettings settings, SamplerEntry sampler)
    {
        if (sampler.Spacing == StepSpacing.Flow)
            throw new DiffSynthException(
                $"{settings.Sampler} is for networks trained by flow matching; take one of {string.Join(", ", SamplerNames.All.Select(known => known.Name))}.");
        if (settings is { ZeroTerminalSnr: true, Prediction: Sampling.Prediction.Epsilon } && EndsInPureNoise(settings, sampler))
            throw new DiffSynthException(
                $"A schedule that begins at pure noise needs a network that predicts v; {settings.Sampler} cannot use one that predicts noise.");
    }

    /// <summary>Makes sure that each level is below the one before. A last step may stay where it is: DDIM and DEIS end some ladders so.</summary>
    /// <exception cref="DiffSynthException">There are fewer levels than steps.</exception>
    public static void Falls(SchedulerSettings settings, Ladder ladder, int steps)
    {
        for (var i = 0; i < ladder.Steps; i++)
            if (!(ladder.Sigmas[i] > ladder.Sigmas[i + 1] || (i == ladder.Steps - 1 && ladder.Sigmas[i] == ladder.Sigmas[i + 1])))
                throw new DiffSynthException(
                    $"The {settings.Schedule} schedule has no {steps} different noise levels for {settings.Sampler}; take fewer steps.");
    }

    /// <summary>Whether a training table whose last level is pure noise is used to that level.</summary>
    public static bool EndsInPureNoise(SchedulerSettings settings, SamplerEntry sampler)
        => settings.Schedule == "diffsynth" || (settings.Schedule == "diffusers" && sampler.Spacing is StepSpacing.Integer or StepSpacing.Consistency);
}
