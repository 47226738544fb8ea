using System.Text.Json;

namespace DiffSynthSharp.Sampling;

/// <summary>The words of a recorded request's schedule.</summary>
internal static class RequestSchedule
{
    private static readonly string[] s_flowSigns = ["shift", "dynamic_shift", "inverted"];

    public static SchedulerSettings Read(JsonElement schedule)
    {
        var settings = new SchedulerSettings();
        if (s_flowSigns.Any(word => schedule.TryGetProperty(word, out _))) settings = SchedulerSettings.DiffSynthFlow;
        foreach (var word in schedule.EnumerateObject())
            settings = settings.Flow is { } flow && WithFlow(flow, word.Name, word.Value) is { } changed ? settings with { Flow = changed } : With(settings, word.Name, word.Value);
        return settings with { Draws = settings.Schedule == "diffusers" ? NoiseDraws.AsDiffusers : NoiseDraws.WhenUsed };
    }

    // Time that runs from noise to picture is the family's business: noise falls all the same.
    private static FlowOptions? WithFlow(FlowOptions flow, string word, JsonElement value) => word switch
    {
        "shift" => flow with { Shift = value.GetDouble() },
        "dynamic_shift" => flow with { Dynamic = Dynamic(value) },
        "sigma_max" => flow with { SigmaMax = value.GetDouble() },
        "sigma_min" when value.ValueKind == JsonValueKind.String => OneOf(word, value, "1/steps") == "1/steps" ? flow with { End = FlowEnd.OneStep } : flow,
        "sigma_min" => flow with { SigmaMin = value.GetDouble() },
        "points" => OneOf(word, value, "steps", "steps + 1") == "steps" ? flow : flow with { End = FlowEnd.OneStep },
        "inverted" => flow,
        _ => null,
    };

    private static DynamicShift Dynamic(JsonElement line)
    {
        double Number(string name) => line.GetProperty(name).GetDouble();
        return new(Number("base"), Number("max"), Number("base_tokens"), Number("max_tokens"));
    }

    private static SchedulerSettings With(SchedulerSettings settings, string word, JsonElement value) => word switch
    {
        "name" => settings with { Schedule = value.GetString()! },
        "train_steps" => settings with { TrainSteps = value.GetInt32() },
        "beta_start" => settings with { BetaStart = value.GetDouble() },
        "beta_end" => settings with { BetaEnd = value.GetDouble() },
        "beta_curve" => settings with { BetaCurve = DiffusersConfig.Curve(value.GetString()!) },
        "zero_terminal_snr" => settings with { ZeroTerminalSnr = value.GetBoolean() },
        "spacing" => settings with { Spacing = DiffusersConfig.Spacing(value.GetString()!) },
        "offset" => settings with { Offset = value.GetInt32() },
        "karras" => settings with { Curve = value.GetBoolean() ? SigmaCurve.Karras : settings.Curve },
        "exponential" => settings with { Curve = value.GetBoolean() ? SigmaCurve.Exponential : settings.Curve },
        "beta" => settings with { Curve = value.GetBoolean() ? SigmaCurve.Beta : settings.Curve },
        "timesteps" => Expect(settings, word, value, "rounded"),
        "sigma_interpolation" => settings with { LogLinearSigmas = OneOf(word, value, "linear", "log_linear") == "log_linear" },
        "last_sigma" => settings with { EndsAtSigmaMin = value.ValueKind == JsonValueKind.String || value.GetDouble() != 0 },
        "last_alpha" => settings with { EndsAtFirstAlpha = value.ValueKind == JsonValueKind.String },
        "eta" => settings with { Eta = value.GetDouble() },
        "clip_sample" => settings with { Clipping = value.GetBoolean() ? new Clipping(Range: 1) : Clipping.None },
        "noise_scale" => settings with { NoiseScale = OneOf(word, value, "sigma_max", "unit") == "unit" ? NoiseScale.Unit : NoiseScale.SigmaMax },
        "order" => settings with { Order = value.GetInt32() },
        "solver" => settings with { Solver = DiffusersConfig.Solver(value.GetString()!) },
        "lower_order_final" => settings with { LowerOrderFinal = value.GetBoolean() },
        "predict_x0" => settings with { PredictX0 = value.GetBoolean() },
        "skip_prk_steps" => settings with { SkipPrkSteps = value.GetBoolean() },
        "original_steps" => settings with { OriginalSteps = value.GetInt32() },
        "timestep_scaling" => settings with { TimestepScaling = value.GetDouble() },
        "rho" => settings with { Rho = value.GetDouble() },
        "sigma_min" => settings with { SigmaMin = value.GetDouble() },
        "sigma_max" => settings with { SigmaMax = value.GetDouble() },
        "variance" => settings with { Variance = DiffusersConfig.Variance(value.GetString()!) },
        _ => throw new DiffSynthException($"A schedule has no setting '{word}'."),
    };

    private static SchedulerSettings Expect(SchedulerSettings settings, string word, JsonElement value, string only)
    {
        OneOf(word, value, only);
        return settings;
    }

    private static string OneOf(string word, JsonElement value, params string[] known)
        => value.GetString() is { } text && known.Contains(text) ? text
            : throw new DiffSynthException(KnownNames.Unknown($"value of the schedule's {word}", value.ToString(), known));
}
