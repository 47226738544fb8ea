using System.Text.Json;
using System.Text.Json.Nodes;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Sampling.Schedules;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Our settings for recorded configurations of other libraries.</summary>
internal static class RecordedSchedules
{
    /// <summary>A diffusers class with a recorded configuration.</summary>
    public static SchedulerSettings Settings(string name, JsonElement config, string? prediction)
    {
        var file = JsonNode.Parse(config.GetRawText())!.AsObject();
        file["_class_name"] = name;
        if (prediction is not null) file["prediction_type"] = prediction == "flow" ? "flow_prediction" : prediction;
        return SchedulerSettings.FromDiffusers(JsonSerializer.SerializeToElement(file));
    }

    /// <summary>DiffSynth's DDIM with a recorded configuration.</summary>
    public static SchedulerSettings DiffSynthSettings(JsonElement config) => new()
    {
        TrainSteps = (int)Number(config, "num_train_timesteps", 1000),
        BetaStart = Number(config, "beta_start", 0.00085),
        BetaEnd = Number(config, "beta_end", 0.012),
        BetaCurve = config.TryGetProperty("beta_schedule", out var curve) ? DiffusersConfig.Curve(curve.GetString()!) : BetaCurve.ScaledLinear,
        ZeroTerminalSnr = Flag(config, "rescale_zero_terminal_snr"),
        Prediction = config.TryGetProperty("prediction_type", out var prediction) ? DiffusersConfig.Prediction(prediction.GetString()!) : Prediction.Epsilon,
    };

    /// <summary>Levels of DiffSynth's flow scheduler.</summary>
    public static double[] DiffSynthFlow(JsonElement config, JsonElement? call, int steps, double strength)
    {
        double? Called(string name) => call is { } element && element.TryGetProperty(name, out var value) ? value.GetDouble() : null;
        var exponential = Flag(config, "exponential_shift");
        double? mu = !exponential ? null : Called("exponential_shift_mu")
            ?? (Called("dynamic_shift_len") is { } length ? FlowSchedule.Mu(length, 0.5, 0.9, 256, 8192) : Number(config, "exponential_shift_mu", 0));
        return FlowSchedule.Levels(new FlowOptions
        {
            SigmaMax = Number(config, "sigma_max", 1),
            SigmaMin = Number(config, "sigma_min", 0.003 / 1.002),
            Shift = Called("shift") ?? Number(config, "shift", 3),
            Mu = mu,
            Terminal = config.TryGetProperty("shift_terminal", out var terminal) ? terminal.GetDouble() : null,
            ExtraStep = Flag(config, "extra_one_step"),
            Inverted = Flag(config, "inverse_timesteps"),
            Reversed = Flag(config, "reverse_sigmas"),
        }, steps, strength);
    }

    /// <summary>Levels of diffusers' flow schedulers.</summary>
    public static double[] DiffusersFlow(JsonElement config, JsonElement call, bool asGiven = false)
    {
        double[]? even = call.TryGetProperty("sigmas", out var sigmas) ? [.. sigmas.EnumerateArray().Select(sigma => sigma.GetDouble())] : null;
        if (asGiven && even is not null) return even;
        var (shift, train) = (Number(config, "shift", 1), Number(config, "num_train_timesteps", 1000));
        var dynamic = Flag(config, "use_dynamic_shifting");
        var ends = dynamic ? 1 / train : FlowSchedule.Shift(1 / train, shift);
        var options = new FlowOptions
        {
            Shift = shift,
            SigmaMin = ends,
            Mu = dynamic ? call.GetProperty("mu").GetDouble() : null,
            LinearMu = config.TryGetProperty("time_shift_type", out var type) && type.GetString() == "linear",
            Terminal = config.TryGetProperty("shift_terminal", out var terminal) && terminal.ValueKind == JsonValueKind.Number ? terminal.GetDouble() : null,
            Reversed = Flag(config, "invert_sigmas"),
            Curve = Flag(config, "use_karras_sigmas") ? SigmaCurve.Karras
                : Flag(config, "use_exponential_sigmas") ? SigmaCurve.Exponential
                : Flag(config, "use_beta_sigmas") ? SigmaCurve.Beta : SigmaCurve.None,
        };
        return even is null ? FlowSchedule.Levels(options, call.GetProperty("num_inference_steps").GetInt32()) : FlowSchedule.Bend(options, even);
    }

    public static bool Flag(JsonElement config, string name) => config.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    public static double Number(JsonElement config, string name, double otherwise)
        => config.TryGetProperty(name, out var value) ? value.GetDouble() : otherwise;
}
