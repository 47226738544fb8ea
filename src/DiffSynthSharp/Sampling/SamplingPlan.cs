using DiffSynthSharp.Sampling.Samplers;
using DiffSynthSharp.Sampling.Schedules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>A finished step, for progress and previews. The functions are valid until the callback returns.</summary>
/// <param name="Index">From 0.</param>
/// <param name="Count">Steps of the run.</param>
/// <param name="Sigma">Noise level the step ended at.</param>
/// <param name="Latents">The new latents in the network's scaling.</param>
/// <param name="Denoised">The clean latents the network saw last.</param>
internal sealed record SamplingStep(int Index, int Count, double Sigma, Func<Tensor> Latents, Func<Tensor> Denoised);

/// <summary>A network's raw prediction, guidance included, in a run.</summary>
/// <param name="latents">(n, c, h, w) in the network's own scaling</param>
/// <param name="timestep">In training timesteps; may be fractional.</param>
/// <param name="step">The step that is being made, from 0.</param>
internal delegate Tensor StepPredict(Tensor latents, double timestep, int step);

/// <summary>The part of a picture that inpainting leaves as it is.</summary>
/// <param name="Mask">(1, 1, h, w), 1 where the picture is made anew, 0 where it stays</param>
/// <param name="Clean">(n, c, h, w) the picture's latents, in the network's scaling</param>
/// <param name="Noise">(n, c, h, w) the noise the run began with</param>
/// <remarks>
/// huggingface/diffusers, pipeline_stable_diffusion_inpaint.py: after every step the kept part is the picture with the first noise at the new level,
/// after the last step the picture itself.
/// </remarks>
internal sealed record KeptPart(Tensor Mask, Tensor Clean, Tensor Noise)
{
    /// <summary>The same on another device.</summary>
    public KeptPart To(Device device) => new(Mask.to(device), Clean.to(device), Noise.to(device));
}

/// <summary>A schedule and a sampler, chosen and checked, for one run. All latents outside it are in the network's own scaling.</summary>
internal sealed class SamplingPlan
{
    private readonly SchedulerSettings _settings;
    private readonly SamplerEntry _sampler;
    private readonly AlphaTable _table;
    private readonly Ladder _ladder;

    private SamplingPlan(SchedulerSettings settings, SamplerEntry sampler, AlphaTable table, Ladder ladder)
        => (_settings, _sampler, _table, _ladder) = (settings, sampler, table, ladder);

    public string SamplerName => _settings.Sampler;

    public string ScheduleName => _settings.Schedule;

    /// <summary>One line that says what was chosen.</summary>
    public string Description => $"{SamplerName} on the {ScheduleName} schedule, {Steps} {(Steps == 1 ? "step" : "steps")}"
        + (ModelCalls == Steps ? "" : $" ({ModelCalls} model calls)") + (_settings.Prediction == Prediction.Epsilon ? "" : $", {Spoken(_settings.Prediction)}");

    /// <summary>Standard deviation of the noise at each step and at the end.</summary>
    public IReadOnlyList<double> Sigmas => _ladder.Sigmas;

    /// <summary>What the network is told at each step.</summary>
    public IReadOnlyList<double> Timesteps => _ladder.Timesteps;

    /// <summary>Steps that will run.</summary>
    public int Steps => _ladder.Steps;

    /// <summary>The levels, with what the network is told at each.</summary>
    public Ladder Ladder => _ladder;

    /// <summary>How often the network will be asked.</summary>
    public int ModelCalls => Steps == 0 ? 0 : NewSampler().Calls(_ladder);

    /// <summary>Chooses sampler and schedule and spaces the steps.</summary>
    /// <param name="settings">A folder's or a family's own; also the defaults of what follows.</param>
    /// <param name="sampler">One of <see cref="SamplerNames.All"/>, or null.</param>
    /// <param name="schedule">One of <see cref="ScheduleNames.All"/>, or null.</param>
    /// <param name="prediction">What the network predicts, or null.</param>
    /// <param name="steps">At least 1.</param>
    /// <param name="strength">Image to image: 0 keeps the picture, 1 begins at pure noise.</param>
    /// <param name="stepList">"kept": the last steps × strength of the list. "spread": all steps over the shortened range. Null follows the schedule.</param>
    /// <exception cref="DiffSynthException">An unknown name, a number out of range, or a combination that makes no sense.</exception>
    public static SamplingPlan Create(
        SchedulerSettings settings, string? sampler, string? schedule, Prediction? prediction, int steps, double strength = 1, string? stepList = null)
    {
        settings = settings.For(sampler ?? settings.Sampler) with
        {
            Schedule = schedule ?? settings.Schedule,
            Prediction = prediction ?? settings.Prediction,
        };
        var (chosen, ladderOf) = (SamplerNames.Find(settings.Sampler), ScheduleNames.Find(settings.Schedule));
        Check(settings, steps, strength, stepList);
        var table = AlphaTable.Of(settings, finite: !EndsInPureNoise(settings, chosen));
        var ladder = Shortened(settings, ladderOf, table, steps, strength, (stepList ?? (settings.Schedule == "diffsynth" ? "spread" : "kept")) == "spread");
        CheckFalls(settings, ladder, steps);
        return new SamplingPlan(settings, chosen, table, ladder with { LevelOf = timestep => table.Sigmas[Math.Clamp((int)timestep, 0, table.Count - 1)] });
    }

    /// <summary>Where a picture made of nothing begins.</summary>
    /// <param name="noise">(n, c, h, w) standard normal</param>
    public Tensor Start(Tensor noise)
        => StartScale == NoiseScale.SigmaMax ? noise * (Sigmas[0] * InputScale(Sigmas[0])) : noise.clone();

    /// <summary>Where a picture made of a picture begins; the picture itself when no step is left to run.</summary>
    /// <param name="noise">(n, c, h, w) standard normal</param>
    /// <param name="clean">(n, c, h, w) the picture's latents</param>
    public Tensor Start(Tensor noise, Tensor clean)
        => Steps == 0 ? clean.clone() : NoisedLatents.Mix(clean, noise, Sigmas[0], Denoiser.SpaceOf(_settings.Prediction));

    /// <summary>Runs the sampler.</summary>
    /// <param name="predict">The network with everything that guides it.</param>
    /// <param name="start">(n, c, h, w) of <see cref="Start(Tensor)"/></param>
    /// <param name="noise">Where stochastic samplers draw from.</param>
    /// <param name="step">Called after each step.</param>
    /// <param name="cancellation">Checked before each model call.</param>
    /// <param name="kept">What inpainting leaves as it is; null makes everything anew.</param>
    /// <returns>(n, c, h, w) the last latents</returns>
    public Tensor Run(
        StepPredict predict, Tensor start, NoiseSource noise, Action<SamplingStep>? step, CancellationToken cancellation = default, KeptPart? kept = null)
    {
        if (Steps == 0) return start.clone();
        using var scope = NewDisposeScope();
        var clipping = _settings.Sampler == "ddim" ? Clipping.None : _settings.Clipping;
        Trajectory? run = null;
        var denoiser = new Denoiser(
            (latents, timestep) => predict(latents, timestep, Math.Min(run!.Index, Steps - 1)), _settings.Prediction, _ladder, _table.TimestepAt, clipping);
        run = new Trajectory(_ladder, denoiser.Denoise, noise, cancellation) { Keep = kept is null ? null : (x, sigma, isLast) => Kept(kept, x, sigma, isLast) };
        var last = NewSampler().Run(run, start / InputScale(Sigmas[0]), step is null ? null : (i, x) => step(Finished(run, i, x)));
        return (last * EndScale).MoveToOuterDisposeScope();
    }

    private Tensor Kept(KeptPart kept, Tensor x, double sigma, bool isLast)
    {
        using var scope = NewDisposeScope();
        var stays = isLast ? kept.Clean / EndScale : kept.Clean + kept.Noise * sigma;
        return (x * kept.Mask + stays * (1 - kept.Mask)).MoveToOuterDisposeScope();
    }

    /// <summary>The sampler, fresh for a run.</summary>
    public Sampler NewSampler() => _sampler.Create(_settings);

    // A sampler that chooses its own steps may make more of them than the ladder has.
    private SamplingStep Finished(Trajectory run, int i, Tensor x)
    {
        var landing = _ladder.Landing(Math.Min(i, Steps - 1));
        return new(i, Math.Max(Steps, i + 1), landing, () => x * (i >= Steps - 1 ? EndScale : InputScale(landing)), () => run.Denoised!.alias());
    }

    // Latents that were never scaled for the network stay as they are where a ladder ends above 0.
    private double EndScale => _sampler.Spacing == StepSpacing.Continuous ? 1 : InputScale(Sigmas[^1]);

    private NoiseScale StartScale => _settings.NoiseScale
        ?? (_sampler.Spacing == StepSpacing.Continuous && (ScheduleName != "diffusers" || _settings.Spacing != TimestepSpacing.Leading)
            ? NoiseScale.SigmaMax : NoiseScale.Unit);

    private double InputScale(double sigma) => Denoiser.InputScale(Denoiser.SpaceOf(_settings.Prediction), sigma);

    private static Ladder Shortened(SchedulerSettings settings, ScheduleEntry schedule, AlphaTable table, int steps, double strength, bool spread)
    {
        if (strength == 0) return schedule.Create(settings, table, steps).Tail(0);
        if (strength == 1) return schedule.Create(settings, table, steps);
        if (!spread) return schedule.Create(settings, table, steps).Tail(ImageToImageSteps.Kept(steps, strength));
        if (settings.Schedule == "diffsynth") return DiffSynthSchedule.Create(settings, table, steps, strength);
        if (settings.Schedule == "diffusers" && SamplerNames.Find(settings.Sampler).Spacing == StepSpacing.Consistency)
            return DiffusersSchedule.Create(settings, table, steps, strength);
        return schedule.Create(settings, table, Math.Min(ImageToImageSteps.Spread(steps, strength), settings.TrainSteps)).Tail(steps);
    }

    private static void Check(SchedulerSettings settings, int steps, double strength, string? stepList)
    {
        if (steps < 1 || steps > settings.TrainSteps)
            throw new DiffSynthException(
                $"{steps} steps are not possible; take 1 to {settings.TrainSteps}, the number of timesteps the network was trained on.");
        if (!(strength >= 0 && strength <= 1))
            throw new DiffSynthException($"A strength of {strength} is not possible; take 0 (keep the picture) to 1 (begin at pure noise).");
        if (SamplerNames.Find(settings.Sampler).Spacing == StepSpacing.Flow)
            throw new DiffSynthException(
                $"{settings.Sampler} is for networks trained by flow matching; take one of {string.Join(", ", SamplerNames.All.Select(known => known.Name))}.");
        if (stepList is not (null or "kept" or "spread"))
            throw new DiffSynthException(KnownNames.Unknown("list of image-to-image steps", stepList, ["kept", "spread"]));
        if (settings is { ZeroTerminalSnr: true, Prediction: Prediction.Epsilon } && EndsInPureNoise(settings, SamplerNames.Find(settings.Sampler)))
            throw new DiffSynthException(
                $"A schedule that begins at pure noise needs a network that predicts v; {settings.Sampler} cannot use one that predicts noise.");
    }

    // A last step may stay where it is: DDIM and DEIS end some ladders so.
    private static void CheckFalls(SchedulerSettings settings, Ladder ladder, int steps)
    {
        for (var i = 0; i < ladder.Steps; i++)
            if (!(ladder.Sigmas[i] > ladder.Sigmas[i + 1] || (i == ladder.Steps - 1 && ladder.Sigmas[i] == ladder.Sigmas[i + 1])))
                throw new DiffSynthException(
                    $"The {settings.Schedule} schedule has no {steps} different noise levels for {settings.Sampler}; take fewer steps.");
    }

    private static bool EndsInPureNoise(SchedulerSettings settings, SamplerEntry sampler)
        => settings.Schedule == "diffsynth" || (settings.Schedule == "diffusers" && sampler.Spacing is StepSpacing.Integer or StepSpacing.Consistency);

    private static string Spoken(Prediction prediction) => prediction switch
    {
        Prediction.V => "v-prediction",
        Prediction.Flow => "flow prediction",
        Prediction.Sample => "sample prediction",
        _ => "epsilon prediction",
    };
}
