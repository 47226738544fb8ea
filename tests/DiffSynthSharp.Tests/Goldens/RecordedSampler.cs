using System.Text.Json;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Sampling.Samplers;
using DiffSynthSharp.Sampling.Schedules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>How the reference holds latents.</summary>
internal enum Scaling { Preserving, Exploding, Flow }

/// <summary>Our sampler and ladder for a recorded configuration of another library.</summary>
internal sealed class RecordedSampler
{
    private Prediction _prediction;
    private Scaling _scaling;
    private double _firstScale;
    private Tensor? _image;

    public required Ladder Ladder { get; init; }

    public required Sampler Sampler { get; init; }

    /// <summary>Whether the first evaluation of each step is recorded, instead of all.</summary>
    public bool OncePerStep { get; private init; }

    /// <summary>Whether only the last latents are recorded.</summary>
    public bool FinalOnly { get; private init; }

    public static RecordedSampler Of(GoldenCase @case, GoldenTensors tensors) => @case.Text("library") switch
    {
        "diffusers" => OfDiffusers(@case),
        "k-diffusion" => OfKDiffusion(@case, tensors),
        "DiffSynth" => OfDiffSynth(@case),
        var library => throw new NotSupportedException($"No one knows the library '{library}'."),
    };

    /// <summary>The analytic network behind our own conversion of predictions.</summary>
    public Denoise Denoiser()
    {
        // k-diffusion walks flow latents as they are, with levels for sigmas.
        if (Straight) return (x, s, _) => x - AnalyticNetwork.Velocity(x, s) * s;
        var level = 0.0;
        var denoiser = new Denoiser((latents, _) => AnalyticNetwork.Predict(latents, level, _prediction), _prediction, Ladder, sigma => sigma, Clip);
        return (x, sigma, between) =>
        {
            level = sigma;
            return denoiser.Denoise(x, sigma, between);
        };
    }

    public Tensor InOwnScaling(Tensor x, double sigma) => x * Scale(sigma);

    public Tensor Finish(Tensor x) => x * Scale(Ladder.Sigmas[^1]);

    /// <summary>The recorded name of a level.</summary>
    public double Level(double sigma) => _scaling != Scaling.Flow ? sigma : Inverted ? 1 / (1 + sigma) : sigma / (1 + sigma);

    /// <summary>Whether levels are recorded as 1 − level.</summary>
    private bool Inverted { get; init; }

    public Tensor Start(Tensor noise)
        => _image is null ? noise * (_firstScale / Scale(Ladder.Sigmas[0])) : Noised(_image, noise) / Scale(Ladder.Sigmas[0]);

    public Tensor Noised(Tensor image, Tensor noise)
        => NoisedLatents.Mix(image, noise, Ladder.Sigmas[0], DiffSynthSharp.Sampling.Denoiser.SpaceOf(_prediction));

    private bool Straight { get; init; }

    private Clipping Clip { get; init; } = Clipping.None;

    private double Scale(double sigma) => _scaling switch
    {
        Scaling.Exploding => 1,
        Scaling.Flow => 1 / (1 + sigma),
        _ => 1 / Math.Sqrt(1 + sigma * sigma),
    };

    private static RecordedSampler OfDiffusers(GoldenCase @case)
    {
        var name = @case.Text("class")!;
        var scaling = ScalingOf(@case);
        var steps = @case.Json.GetProperty("steps").GetInt32();
        if (name is "FlowMatchEulerDiscreteScheduler" or "FlowMatchHeunDiscreteScheduler" or "FlowMatchLCMScheduler" or "LTXEulerAncestralRFScheduler")
            return RecordedFlow(@case, name);
        var settings = WithStep(RecordedSchedules.Settings(name, @case.Json.GetProperty("config"), @case.Text("prediction")), @case.Json);
        var plan = SamplingPlan.Create(settings, null, null, null, steps);
        var first = @case.Json.TryGetProperty("init_noise_sigma", out var scale) ? scale.GetDouble() : 1;
        return new RecordedSampler { Ladder = plan.Ladder, Sampler = plan.NewSampler(), Clip = settings.Sampler == "ddim" ? Clipping.None : settings.Clipping }
            .With(settings.Prediction, scaling, first);
    }

    private static RecordedSampler RecordedFlow(GoldenCase @case, string name)
    {
        var config = @case.Json.GetProperty("config");
        var levels = RecordedSchedules.DiffusersFlow(config, @case.Json.GetProperty("set_timesteps"), name == "LTXEulerAncestralRFScheduler");
        var settings = new SchedulerSettings
        {
            Sampler = name switch
            {
                "FlowMatchHeunDiscreteScheduler" => "flow-heun",
                "FlowMatchLCMScheduler" => "flow-lcm",
                "LTXEulerAncestralRFScheduler" => "flow-euler-a",
                _ => config.TryGetProperty("stochastic_sampling", out var stochastic) && stochastic.GetBoolean() ? "flow-lcm" : "flow-euler",
            },
            Eta = config.TryGetProperty("eta", out var eta) ? eta.GetDouble() : null,
            NoiseMultiplier = config.TryGetProperty("s_noise", out var multiplier) ? multiplier.GetDouble() : 1,
        };
        return new RecordedSampler { Ladder = FlowSchedule.Of(levels, levels), Sampler = SamplerNames.Find(settings.Sampler).Create(settings) }
            .With(Prediction.Flow, Scaling.Flow, 1);
    }

    private static RecordedSampler OfKDiffusion(GoldenCase @case, GoldenTensors tensors)
    {
        var function = @case.Text("function")!;
        var sigmas = tensors["out.sigmas"].data<float>().ToArray().Select(sigma => (double)sigma).ToArray();
        var settings = WithStep(new SchedulerSettings { Draws = NoiseDraws.AsKDiffusion, LowerOrderFinal = false }, @case.Json);
        var name = function["sample_".Length..] switch
        {
            "euler" => "euler",
            "euler_ancestral" => "euler-a",
            "heun" => "heun",
            "lms" => "lms",
            "dpm_2" => "dpm2",
            "dpm_2_ancestral" => "dpm2-a",
            "dpm_fast" => "dpm-fast",
            "dpm_adaptive" => "dpm-adaptive",
            "dpmpp_2s_ancestral" => "dpm++-2s-a",
            "dpmpp_2m" => "dpm++-2m",
            "dpmpp_sde" => "dpm++-sde",
            "dpmpp_2m_sde" => "dpm++-2m-sde",
            "dpmpp_3m_sde" => "dpm++-3m-sde",
            var other => throw new NotSupportedException($"No one knows the function '{other}'."),
        };
        var whole = name is "dpm-fast" or "dpm-adaptive";
        var ladder = new Ladder(sigmas, sigmas[..^1]);
        return new RecordedSampler
        {
            Ladder = ladder,
            Sampler = SamplerNames.Find(name).Create(settings with { Sampler = name }),
            OncePerStep = !whole,
            FinalOnly = whole,
            Straight = @case.Text("latent_kind") == "flow",
        }.With(Prediction.V, Scaling.Exploding, ladder.Sigmas[0]);
    }

    private static RecordedSampler OfDiffSynth(GoldenCase @case)
    {
        var (config, steps) = (@case.Json.GetProperty("config"), @case.Json.GetProperty("steps").GetInt32());
        var strength = @case.Json.GetProperty("denoising_strength").GetDouble();
        var flow = @case.Text("class") == "FlowMatchScheduler";
        var settings = RecordedSchedules.DiffSynthSettings(config);
        RecordedSampler recorded;
        if (flow)
        {
            var levels = RecordedSchedules.DiffSynthFlow(config, null, steps, strength);
            if (RecordedSchedules.Flag(config, "inverse_timesteps")) levels = [.. levels.Select(level => 1 - level)];
            recorded = new RecordedSampler
            {
                Ladder = FlowSchedule.Of(levels, levels),
                Sampler = SamplerNames.Find("flow-euler").Create(settings),
                Inverted = RecordedSchedules.Flag(config, "inverse_timesteps"),
            }
                .With(Prediction.Flow, Scaling.Flow, 1);
        }
        else
        {
            var plan = SamplingPlan.Create(settings, null, null, null, steps, strength);
            recorded = new RecordedSampler { Ladder = plan.Ladder, Sampler = plan.NewSampler() }.With(settings.Prediction, Scaling.Preserving, 1);
        }
        var image = @case.FilePath.Replace(".safetensors", "-image.safetensors", StringComparison.Ordinal);
        if (strength < 1)
        {
            using var tensors = new GoldenTensors(image);
            recorded._image = tensors["in.image"].clone();
        }
        return recorded;
    }

    private static Scaling ScalingOf(GoldenCase @case) => @case.Text("latent_kind") switch
    {
        "VP" => Scaling.Preserving,
        "VE" => Scaling.Exploding,
        _ => Scaling.Flow,
    };

    private static SchedulerSettings WithStep(SchedulerSettings settings, JsonElement json)
    {
        foreach (var words in new[] { "step", "options" })
            if (json.TryGetProperty(words, out var arguments))
                foreach (var argument in arguments.EnumerateObject()) settings = With(settings, argument.Name, argument.Value, diffusers: words == "step");
        return settings;
    }

    private static SchedulerSettings With(SchedulerSettings settings, string name, JsonElement value, bool diffusers) => name switch
    {
        "eta" => settings with { Eta = value.GetDouble() },
        "order" => settings with { Order = value.GetInt32() },
        "r" => settings with { Midpoint = value.GetDouble() },
        "solver_type" => settings with { Solver = DiffusersConfig.Solver(value.GetString()!) },
        "s_churn" => settings with { Churn = settings.Churn with { Amount = value.GetDouble(), AfterEvaluation = diffusers } },
        "s_tmin" => settings with { Churn = settings.Churn with { SigmaMin = value.GetDouble() } },
        "s_tmax" => settings with { Churn = settings.Churn with { SigmaMax = value.GetDouble() } },
        "s_noise" => settings with { NoiseMultiplier = value.GetDouble(), Churn = settings.Churn with { Noise = value.GetDouble() } },
        _ => throw new NotSupportedException($"No one knows the argument '{name}'."),
    };

    private RecordedSampler With(Prediction prediction, Scaling scaling, double firstScale)
    {
        (_prediction, _scaling, _firstScale) = (prediction, scaling, firstScale);
        return this;
    }
}
