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
    private readonly Ladder _ladder;
    private readonly Func<double, double> _timestepAt;

    private SamplingPlan(SchedulerSettings settings, SamplerEntry sampler, Ladder ladder, Func<double, double> timestepAt)
        => (_settings, _sampler, _ladder, _timestepAt) = (settings, sampler, ladder, timestepAt);

    public string SamplerName => SamplerNames.Plain(_settings.Sampler);

    public string ScheduleName => _settings.Schedule;

    /// <summary>One line that says what was chosen.</summary>
    public string Description => $"{SamplerName} on the {ScheduleName} schedule, {Steps} {(Steps == 1 ? "step" : "steps")}"
        + (ModelCalls == Steps ? "" : $" ({ModelCalls} model calls)") + (_settings.Prediction == Prediction.Epsilon ? "" : $", {Spoken(_settings)}");

    /// <summary>Standard deviation of the noise at each step and at the end.</summary>
    public IReadOnlyList<double> Sigmas => _ladder.Sigmas;

    /// <summary>What the network is told at each step.</summary>
    public IReadOnlyList<double> Timesteps => _ladder.Timesteps;

    /// <summary>Steps that will run.</summary>
    public int Steps => _ladder.Steps;

    /// <summary>The levels, with what the network is told at each.</summary>
    public Ladder Ladder => _ladder;

    /// <summary>How far levels are moved towards the noise, of networks trained by flow matching.</summary>
    public double Shift { get; private init; } = 1;

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
    /// <param name="latents">Sides of the latents in cells; needed where a flow network's shift follows the picture's size.</param>
    /// <exception cref="DiffSynthException">An unknown name, a number out of range, or a combination that makes no sense.</exception>
    public static SamplingPlan Create(
        SchedulerSettings settings, string? sampler, string? schedule, Prediction? prediction, int steps, double strength = 1, string? stepList = null,
        (long Height, long Width)? latents = null)
    {
        PlanCheck.Prediction(settings, prediction);
        settings = settings.For(settings.Flow is null ? sampler ?? settings.Sampler : SamplerNames.Plain(sampler ?? settings.Sampler)) with
        {
            Schedule = schedule ?? settings.Schedule,
            Prediction = prediction ?? settings.Prediction,
            Flow = schedule == "diffsynth" && settings is { Flow: not null, Schedule: not "diffsynth" } ? new() : settings.Flow,
        };
        PlanCheck.Numbers(settings, steps, strength, stepList);
        var spread = (stepList ?? (settings.Schedule == "diffsynth" ? "spread" : "kept")) == "spread";
        return settings.Flow is null ? OfNoise(settings, steps, strength, spread) : OfFlow(settings, steps, strength, spread, latents);
    }

    private static SamplingPlan OfNoise(SchedulerSettings settings, int steps, double strength, bool spread)
    {
        var (sampler, schedule) = (SamplerNames.Find(settings.Sampler), ScheduleNames.Find(settings.Schedule));
        PlanCheck.Noise(settings, sampler);
        var table = AlphaTable.Of(settings, finite: !PlanCheck.EndsInPureNoise(settings, sampler));
        Func<double, Ladder>? share = settings.Schedule == "diffsynth" ? share => DiffSynthSchedule.Create(settings, table, steps, share)
            : settings.Schedule == "diffusers" && sampler.Spacing == StepSpacing.Consistency ? share => DiffusersSchedule.Create(settings, table, steps, share) : null;
        var ladder = Shortened(count => schedule.Create(settings, table, count), spread, share, steps, strength, settings.TrainSteps, ImageToImageSteps.Kept);
        PlanCheck.Falls(settings, ladder, steps);
        return new SamplingPlan(settings, sampler, ladder with { LevelOf = timestep => table.Sigmas[Math.Clamp((int)timestep, 0, table.Count - 1)] }, table.TimestepAt);
    }

    private static SamplingPlan OfFlow(SchedulerSettings settings, int steps, double strength, bool spread, (long Height, long Width)? latents)
    {
        // A solver whose configuration says flow sigmas has a list of its own.
        var onSolverLevels = settings is { Schedule: "diffusers", Curve: SigmaCurve.Flow };
        var sampler = SamplerNames.FindFlow(settings.Sampler, onSolverLevels);
        var levels = ScheduleNames.FindFlow(settings.Schedule);
        var flow = settings.Shift is { } shift ? settings.Flow! with { Shift = shift, Dynamic = null } : settings.Flow!;
        Ladder Of(int count, double share) => onSolverLevels && sampler.Spacing == StepSpacing.Solver ? FlowSchedule.OfSolver(settings, flow.Shift, count)
            : FlowSchedule.Of(levels(flow.For(settings.TrainSteps, count, latents), count, share), belowNoise: sampler.Spacing == StepSpacing.Solver);
        Func<double, Ladder>? share = settings.Schedule == "diffsynth" ? share => Of(steps, share) : null;
        var ladder = Shortened(count => Of(count, 1), spread, share, steps, strength, PlanCheck.MostFlowSteps, ImageToImageSteps.KeptOfFlow);
        PlanCheck.Falls(settings, ladder, steps);
        return new SamplingPlan(settings, sampler, ladder, FlowSchedule.TimestepAt) { Shift = ShiftOf(flow.For(settings.TrainSteps, steps, latents)) };
    }

    private static double ShiftOf(FlowOptions flow) => flow.Mu is not { } mu ? flow.Shift : flow.LinearMu ? mu : Math.Exp(mu);

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
            (latents, timestep) => predict(latents, timestep, Math.Min(run!.Index, Steps - 1)), _settings.Prediction, _ladder, _timestepAt, clipping);
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

    // The part of a ladder that image-to-image walks.
    private static Ladder Shortened(
        Func<int, Ladder> whole, bool spread, Func<double, Ladder>? share, int steps, double strength, int most, Func<int, double, int> kept)
    {
        if (strength == 0) return whole(steps).Tail(0);
        if (strength == 1) return whole(steps);
        if (!spread) return whole(steps).Tail(kept(steps, strength));
        return share is null ? whole(Math.Min(ImageToImageSteps.Spread(steps, strength), most)).Tail(steps) : share(strength);
    }

    private string Spoken(SchedulerSettings settings) => settings.Prediction switch
    {
        Prediction.V => "v-prediction",
        Prediction.Flow => $"shift {Shift:0.##}",
        _ => "sample prediction",
    };
}
