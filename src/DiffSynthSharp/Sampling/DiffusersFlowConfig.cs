using System.Text.Json;

namespace DiffSynthSharp.Sampling;

/// <summary>Reads the scheduler_config.json of diffusers' classes for flow matching.</summary>
/// <remarks>
/// huggingface/diffusers, scheduling_flow_match_euler_discrete.py, scheduling_flow_match_heun_discrete.py, scheduling_flow_match_lcm.py.
/// <c>invert_sigmas</c> only turns round what time is called, which is the family's business: the noise falls all the same.
/// </remarks>
internal static class DiffusersFlowConfig
{
    private const double LargestNumber = 1e6;

    public static SchedulerSettings Read(JsonElement config, DiffusersClass known)
    {
        var keys = new Keys(config, known);
        var isDynamic = keys.Flag("use_dynamic_shifting");
        var flow = known.Defaults.Flow! with
        {
            Shift = keys.Number("shift", 1),
            Dynamic = isDynamic ? new(keys.Number("base_shift", 0.5), keys.Number("max_shift", 1.15), keys.Number("base_image_seq_len", 256), keys.Number("max_image_seq_len", 4096)) : null,
            LinearMu = isDynamic && keys.Text("time_shift_type", "exponential", "linear") == "linear",
            Terminal = keys.Number("shift_terminal", 0) is > 0 and var terminal ? terminal : null,
            Curve = Curve(keys),
        };
        if (flow.Shift <= 0) throw new DiffSynthException($"The scheduler configuration's shift must be above 0, not {flow.Shift}.");
        if (flow.Terminal >= 1) throw new DiffSynthException($"The scheduler configuration's shift_terminal must be below 1, not {flow.Terminal}.");
        if (flow.Dynamic is { } line && line.BaseTokens == line.MaxTokens) throw new DiffSynthException("The scheduler configuration's base_image_seq_len and max_image_seq_len are the same.");
        var sampler = keys.Flag("stochastic_sampling") ? "lcm" : known.Defaults.Sampler;
        return known.Defaults with
        {
            Sampler = sampler,
            ConfiguredFor = sampler,
            Schedule = "diffusers",
            Draws = NoiseDraws.AsDiffusers,
            TrainSteps = Math.Max(1, (int)keys.Number("num_train_timesteps", 1000)),
            Flow = flow,
        };
    }

    private static SigmaCurve Curve(Keys keys)
    {
        SigmaCurve[] curves = [.. new[] { ("use_karras_sigmas", SigmaCurve.Karras), ("use_exponential_sigmas", SigmaCurve.Exponential), ("use_beta_sigmas", SigmaCurve.Beta) }
            .Where(one => keys.Flag(one.Item1)).Select(one => one.Item2)];
        return curves.Length <= 1 ? curves.FirstOrDefault()
            : throw new DiffSynthException("A scheduler configuration can use one of karras, exponential and beta sigmas, not several.");
    }

    // What the class takes of the file.
    private sealed class Keys(JsonElement config, DiffusersClass known)
    {
        public bool Flag(string key) => Find(key) is { } value && value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(key, value, "true or false"),
        };

        public double Number(string key, double otherwise) => Find(key) is not { } value ? otherwise
            : value.ValueKind == JsonValueKind.Number && Math.Abs(value.GetDouble()) <= LargestNumber ? value.GetDouble()
                : throw Wrong(key, value, $"a number up to {LargestNumber:0}");

        public string Text(string key, params string[] choices) => Find(key) is not { } value ? choices[0]
            : value.ValueKind == JsonValueKind.String && choices.Contains(value.GetString()) ? value.GetString()!
                : throw Wrong(key, value, string.Join(" or ", choices));

        private JsonElement? Find(string key) => known.Takes(key) && config.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

        private static DiffSynthException Wrong(string key, JsonElement value, string expected)
            => new($"The scheduler configuration's {key} cannot be {value.GetRawText()}; expected {expected}.");
    }
}
