using System.Text.Json;

namespace DiffSynthSharp.Sampling;

/// <summary>Where a diffusers schedule puts its timesteps.</summary>
internal enum TimestepSpacing { Leading, Linspace, Trailing }

/// <summary>How the training betas run from first to last.</summary>
internal enum BetaCurve { Linear, ScaledLinear, SquaredCosine, Sigmoid, Laplace }

/// <summary>A curve that replaces the noise levels found at the timesteps.</summary>
internal enum SigmaCurve { None, Karras, Exponential, Beta, Lu, Flow }

/// <summary>Which second-order formula a multistep solver uses.</summary>
internal enum SolverType { Midpoint, Heun, Bh1, Bh2 }

/// <summary>Variance of ancestral DDPM steps.</summary>
internal enum DdpmVariance { FixedSmall, FixedLarge }

/// <summary>What the first noise is multiplied with.</summary>
internal enum NoiseScale
{
    /// <summary>As trained: unit variance in the network's scaling.</summary>
    Unit,

    /// <summary>The first sigma, slightly less than unit variance in the network's scaling: k-diffusion.</summary>
    SigmaMax,
}

/// <summary>Random tensors a sampler draws although it does not use them: they move the generator on.</summary>
internal enum NoiseDraws { WhenUsed, AsDiffusers, AsKDiffusion }

/// <summary>
/// Every number that a schedule or a sampler takes. The defaults are Stable Diffusion 1.x with DiffSynth's DDIM.
/// </summary>
internal sealed record SchedulerSettings
{
    /// <summary>DiffSynth-Studio's for networks trained by flow matching: SD3, FLUX.</summary>
    public static SchedulerSettings DiffSynthFlow { get; } = new() { Sampler = "euler", Prediction = Prediction.Flow, Flow = new() };

    public string Sampler { get; init; } = "ddim";

    public string Schedule { get; init; } = "diffsynth";

    /// <summary>The sampler that solver numbers were configured for; another sampler takes its own.</summary>
    public string? ConfiguredFor { get; init; }

    public Prediction Prediction { get; init; } = Prediction.Epsilon;

    /// <summary>Number of training timesteps.</summary>
    public int TrainSteps { get; init; } = 1000;

    public double BetaStart { get; init; } = 0.00085;

    public double BetaEnd { get; init; } = 0.012;

    public BetaCurve BetaCurve { get; init; } = BetaCurve.ScaledLinear;

    /// <summary>Betas as they are, instead of a curve.</summary>
    public IReadOnlyList<double>? TrainedBetas { get; init; }

    /// <summary>Whether the betas are rescaled so that the last timestep is pure noise (Lin et al. 2023).</summary>
    public bool ZeroTerminalSnr { get; init; }

    public TimestepSpacing Spacing { get; init; }

    /// <summary>Added to leading timesteps.</summary>
    public int Offset { get; init; }

    /// <summary>Whether the last step ends at the first training timestep instead of at no noise.</summary>
    public bool EndsAtFirstAlpha { get; init; }

    /// <summary>Whether a ladder ends at the smallest training sigma instead of at 0.</summary>
    public bool EndsAtSigmaMin { get; init; }

    public SigmaCurve Curve { get; init; }

    /// <summary>Whether sigmas run evenly in their logarithm between the ends, instead of being read at the timesteps.</summary>
    public bool LogLinearSigmas { get; init; }

    /// <summary>Exponent of karras and polyexponential ladders; null is each one's own (7 and 1).</summary>
    public double? Rho { get; init; }

    /// <summary>Lowest sigma of a curve; null takes the training table's.</summary>
    public double? SigmaMin { get; init; }

    /// <summary>Highest sigma of a curve; null takes the training table's.</summary>
    public double? SigmaMax { get; init; }

    /// <summary>Order of a multistep solver; null is the sampler's own.</summary>
    public int? Order { get; init; }

    public SolverType? Solver { get; init; }

    /// <summary>Whether a solver works on the clean prediction (DPM-Solver++) instead of on the noise (DPM-Solver).</summary>
    public bool PredictX0 { get; init; } = true;

    /// <summary>Whether the last steps of a run of fewer than 15 fall to lower orders.</summary>
    public bool LowerOrderFinal { get; init; } = true;

    /// <summary>Whether the last step is always first order.</summary>
    public bool EulerAtFinal { get; init; }

    /// <summary>Steps whose UniPC corrector is left out.</summary>
    public IReadOnlyList<int> DisabledCorrectors { get; init; } = [];

    /// <summary>Whether PNDM starts with linear multistep steps at once, without Runge-Kutta steps.</summary>
    public bool SkipPrkSteps { get; init; } = true;

    /// <summary>Share of fresh noise, 0 to 1; null is the sampler's own.</summary>
    public double? Eta { get; init; }

    /// <summary>What fresh noise is multiplied with.</summary>
    public double NoiseMultiplier { get; init; } = 1;

    /// <summary>Noise added before a step (Karras et al. 2022).</summary>
    public Churn Churn { get; init; } = Churn.None;

    /// <summary>Where dpm++-sde puts its inner evaluation.</summary>
    public double Midpoint { get; init; } = 0.5;

    public DdpmVariance Variance { get; init; }

    public Clipping Clipping { get; init; } = Clipping.None;

    /// <summary>Number of timesteps a consistency model was distilled on.</summary>
    public int OriginalSteps { get; init; } = 50;

    /// <summary>What a consistency model multiplies timesteps with in its boundary condition.</summary>
    public double TimestepScaling { get; init; } = 10;

    /// <summary>What the first noise is multiplied with; null is the schedule's own.</summary>
    public NoiseScale? NoiseScale { get; init; }

    public NoiseDraws Draws { get; init; }

    /// <summary>How levels are spaced where the network was trained by flow matching; null for one trained on a table of noise levels.</summary>
    public FlowOptions? Flow { get; init; }

    /// <summary>Static shift in place of what <see cref="Flow"/> says; null leaves it.</summary>
    public double? Shift { get; init; }

    /// <summary>Reads a folder's scheduler_config.json, with the defaults of its class where keys are absent.</summary>
    /// <param name="config">The file's root.</param>
    /// <exception cref="DiffSynthException">An unknown class, or a setting that would change the result and is not supported.</exception>
    public static SchedulerSettings FromDiffusers(JsonElement config) => DiffusersConfig.Read(config);

    /// <summary>These settings for a sampler: numbers that were meant for another one fall back to its own.</summary>
    public SchedulerSettings For(string sampler) => ConfiguredFor is null || ConfiguredFor == sampler
        ? this with { Sampler = sampler }
        : this with
        {
            Sampler = sampler,
            ConfiguredFor = sampler,
            Order = null,
            Solver = null,
            PredictX0 = true,
            LowerOrderFinal = true,
            EulerAtFinal = false,
            EndsAtSigmaMin = sampler == "deis",
            EndsAtFirstAlpha = EndsAtFirstAlpha && sampler is "ddim" or "pndm",
            Eta = null,
            Clipping = Clipping.None,
            DisabledCorrectors = [],
        };

    /// <summary>Reads the words of a recorded request's schedule.</summary>
    /// <param name="schedule">An object with a name and numbers.</param>
    /// <exception cref="DiffSynthException">An unknown word or value.</exception>
    public static SchedulerSettings FromRequest(JsonElement schedule) => RequestSchedule.Read(schedule);
}
