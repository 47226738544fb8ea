using System.Text.Json;

namespace DiffSynthSharp.Sampling;

/// <summary>Reads diffusers' scheduler_config.json: a class with the keys its constructor takes.</summary>
/// <remarks>huggingface/diffusers, src/diffusers/schedulers. Keys that a class does not take change nothing there, nor here.</remarks>
internal static class DiffusersConfig
{
    public static SchedulerSettings Read(JsonElement config)
    {
        if (config.ValueKind != JsonValueKind.Object) throw new DiffSynthException("A scheduler configuration must be a JSON object.");
        var name = config.TryGetProperty("_class_name", out var found) && found.ValueKind == JsonValueKind.String ? found.GetString()! : "";
        var known = DiffusersClasses.Find(name);
        if (known.Defaults.Flow is not null) return DiffusersFlowConfig.Read(config, known);
        var settings = known.Defaults with { Schedule = "diffusers", Draws = NoiseDraws.AsDiffusers };
        foreach (var key in config.EnumerateObject().Where(key => known.Takes(key.Name) && key.Value.ValueKind != JsonValueKind.Null))
        {
            try
            {
                settings = With(settings, known, key.Name, key.Value);
            }
            catch (Exception error) when (error is InvalidOperationException or FormatException)
            {
                throw new DiffSynthException($"The scheduler configuration's {key.Name} cannot be {key.Value.GetRawText()}.", error);
            }
        }
        settings = settings with { ConfiguredFor = settings.Sampler, TrainSteps = settings.TrainedBetas?.Count ?? settings.TrainSteps };
        return Resolved(settings, config, known);
    }

    public static BetaCurve Curve(string value) => value switch
    {
        "linear" => BetaCurve.Linear,
        "scaled_linear" => BetaCurve.ScaledLinear,
        "squaredcos_cap_v2" => BetaCurve.SquaredCosine,
        "sigmoid" => BetaCurve.Sigmoid,
        "laplace" => BetaCurve.Laplace,
        _ => throw Unknown("beta curve", value, "linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "laplace"),
    };

    public static TimestepSpacing Spacing(string value) => value switch
    {
        "leading" => TimestepSpacing.Leading,
        "linspace" => TimestepSpacing.Linspace,
        "trailing" => TimestepSpacing.Trailing,
        _ => throw Unknown("timestep spacing", value, "leading", "linspace", "trailing"),
    };

    public static SolverType Solver(string value) => value switch
    {
        "midpoint" or "logrho" => SolverType.Midpoint,
        "heun" => SolverType.Heun,
        "bh1" => SolverType.Bh1,
        "bh2" => SolverType.Bh2,
        _ => throw Unknown("solver type", value, "midpoint", "heun", "bh1", "bh2", "logrho"),
    };

    public static DdpmVariance Variance(string value) => value switch
    {
        "fixed_small" or "fixed_small_log" => DdpmVariance.FixedSmall,
        "fixed_large" => DdpmVariance.FixedLarge,
        _ => throw Unknown("variance type", value, "fixed_small", "fixed_small_log", "fixed_large"),
    };

    public static Prediction Prediction(string value) => value switch
    {
        "epsilon" => Sampling.Prediction.Epsilon,
        "v_prediction" => Sampling.Prediction.V,
        "sample" => Sampling.Prediction.Sample,
        "flow_prediction" => Sampling.Prediction.Flow,
        _ => throw Unknown("prediction type", value, "epsilon", "v_prediction", "sample", "flow_prediction"),
    };

    private static SchedulerSettings With(SchedulerSettings settings, DiffusersClass known, string key, JsonElement value) => key switch
    {
        "num_train_timesteps" => settings with { TrainSteps = Positive(key, value) },
        "beta_start" => settings with { BetaStart = value.GetDouble() },
        "beta_end" => settings with { BetaEnd = value.GetDouble() },
        "beta_schedule" => settings with { BetaCurve = Curve(value.GetString()!) },
        "trained_betas" => settings with { TrainedBetas = [.. value.EnumerateArray().Select(beta => beta.GetDouble())] },
        "prediction_type" => settings with { Prediction = Prediction(value.GetString()!) },
        "timestep_spacing" => settings with { Spacing = Spacing(value.GetString()!) },
        "steps_offset" => settings with { Offset = value.GetInt32() },
        "set_alpha_to_one" => settings with { EndsAtFirstAlpha = !value.GetBoolean() },
        "rescale_betas_zero_snr" => settings with { ZeroTerminalSnr = value.GetBoolean() },
        "use_karras_sigmas" => value.GetBoolean() ? settings with { Curve = SigmaCurve.Karras } : settings,
        "use_exponential_sigmas" => value.GetBoolean() ? settings with { Curve = SigmaCurve.Exponential } : settings,
        "use_beta_sigmas" => value.GetBoolean() ? settings with { Curve = SigmaCurve.Beta } : settings,
        "use_lu_lambdas" => value.GetBoolean() ? settings with { Curve = SigmaCurve.Lu } : settings,
        "use_flow_sigmas" => value.GetBoolean() ? settings with { Curve = SigmaCurve.Flow } : settings,
        "flow_shift" => settings with { Flow = new() { Shift = value.GetDouble(), End = FlowEnd.LowestTrained } },
        "sigma_min" => settings with { SigmaMin = value.GetDouble() },
        "sigma_max" => settings with { SigmaMax = value.GetDouble() },
        "interpolation_type" => settings with { LogLinearSigmas = OneOf(key, value, "linear", "log_linear") == "log_linear" },
        "final_sigmas_type" => settings with { EndsAtSigmaMin = OneOf(key, value, "zero", "sigma_min") == "sigma_min" },
        "solver_order" => settings with { Order = Positive(key, value) },
        "solver_type" => settings with { Solver = Solver(value.GetString()!) },
        "lower_order_final" => settings with { LowerOrderFinal = value.GetBoolean() },
        "euler_at_final" => settings with { EulerAtFinal = value.GetBoolean() },
        "predict_x0" => settings with { PredictX0 = value.GetBoolean() },
        "disable_corrector" => settings with { DisabledCorrectors = [.. value.EnumerateArray().Select(step => step.GetInt32())] },
        "algorithm_type" => Algorithm(settings, known, value.GetString()!),
        "skip_prk_steps" => settings with { SkipPrkSteps = value.GetBoolean() },
        "original_inference_steps" => settings with { OriginalSteps = Positive(key, value) },
        "timestep_scaling" => settings with { TimestepScaling = value.GetDouble() },
        "variance_type" when known.Defaults.Sampler == "ddpm" => settings with { Variance = Variance(value.GetString()!) },
        "clip_sample" or "clip_sample_range" or "thresholding" or "dynamic_thresholding_ratio" or "sample_max_value" => settings,
        _ => Unsupported(settings, known, key, value),
    };

    private static SchedulerSettings Algorithm(SchedulerSettings settings, DiffusersClass known, string value) => (known.Defaults.Sampler, value) switch
    {
        ("deis", "deis") => settings,
        ("dpm++-2m", "dpmsolver++" or "deis") => settings with { PredictX0 = true },
        ("dpm++-2m", "dpmsolver") => settings with { PredictX0 = false },
        ("dpm++-2m", "sde-dpmsolver++") => settings with { PredictX0 = true, Sampler = "dpm++-2m-sde" },
        ("dpm++-2m", "sde-dpmsolver") => settings with { PredictX0 = false, Sampler = "dpm++-2m-sde" },
        ("dpm++-2s", "dpmsolver++") => settings with { PredictX0 = true },
        ("dpm++-2s", "dpmsolver") => settings with { PredictX0 = false },
        ("dpm++-2s", "sde-dpmsolver++") => settings with { PredictX0 = true, Eta = 1 },
        ("deis", _) => throw Unknown("algorithm type", value, "deis"),
        _ => throw Unknown("algorithm type", value, "dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver"),
    };

    // What is left out of the class's own constructor may only have the value that does nothing.
    private static SchedulerSettings Unsupported(SchedulerSettings settings, DiffusersClass known, string key, JsonElement value)
    {
        var harmless = value.ValueKind == JsonValueKind.False
            || (value.ValueKind == JsonValueKind.String && value.GetString() is "-Infinity" or "discrete" or "exponential");
        return harmless ? settings : throw new DiffSynthException(
            $"{known.Name}'s {key} = {value.GetRawText()} would change the picture and is not supported; remove it from scheduler_config.json.");
    }

    private static SchedulerSettings Resolved(SchedulerSettings settings, JsonElement config, DiffusersClass known)
    {
        bool Flag(string key, bool otherwise)
            => known.Takes(key) && (config.TryGetProperty(key, out var value) ? value.ValueKind == JsonValueKind.True : otherwise);
        double Number(string key) => known.Takes(key) && config.TryGetProperty(key, out var value) && value.TryGetDouble(out var number) ? number : 1;
        var curves = new[] { "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas" }.Count(key => Flag(key, false));
        settings = settings with { Flow = settings.Curve != SigmaCurve.Flow ? null : settings.Flow ?? new() { Shift = 1, End = FlowEnd.LowestTrained } };
        if (settings is { Flow: not null, Prediction: not Sampling.Prediction.Flow } or { Flow: null, Prediction: Sampling.Prediction.Flow })
            throw new DiffSynthException("use_flow_sigmas and prediction_type flow_prediction belong together; the scheduler configuration has one of them.");
        if (curves > 1) throw new DiffSynthException("A scheduler configuration can use one of karras, exponential and beta sigmas, not several.");
        if (settings is { PredictX0: false, EndsAtSigmaMin: false } && settings.Sampler.StartsWith("dpm", StringComparison.Ordinal))
            throw new DiffSynthException("algorithm_type dpmsolver needs final_sigmas_type sigma_min; its last step cannot end at no noise.");
        if (settings is { Sampler: "dpm++-2m-sde", Order: > 2 })
            throw new DiffSynthException("A third-order solver with noise is dpm++-3m-sde here; choose it by name.");
        if (Flag("thresholding", false))
        {
            var ratio = config.TryGetProperty("dynamic_thresholding_ratio", out var value) ? value.GetDouble() : 0.995;
            return settings with { Clipping = new Clipping(ThresholdRatio: ratio, ThresholdMax: Number("sample_max_value")) };
        }
        return Flag("clip_sample", known.Clips) ? settings with { Clipping = new Clipping(Range: Number("clip_sample_range")) } : settings;
    }

    private static int Positive(string key, JsonElement value)
        => value.GetInt32() is > 0 and <= 100_000 and var number ? number
            : throw new DiffSynthException($"The scheduler configuration's {key} must be 1 to 100000, not {value.GetRawText()}.");

    private static string OneOf(string key, JsonElement value, params string[] known)
        => value.GetString() is { } text && known.Contains(text) ? text : throw Unknown(key, value.ToString(), known);

    private static DiffSynthException Unknown(string what, string value, params string[] known) => new(KnownNames.Unknown(what, value, known));
}
