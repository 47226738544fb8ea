using System.Text.Json;
using System.Text.Json.Nodes;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Sampling.Schedules;
using DiffSynthSharp.Tests.Goldens;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Sampling;

/// <summary>Whole runs of networks trained by flow matching, from a folder's configuration to the last latents.</summary>
public sealed class FlowPlanTests
{
    private const string Flux = """{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0, "use_dynamic_shifting": true, "max_shift": 1.15}""";

    public static TheoryData<string> Recorded => [.. Cases().Select(one => Path.GetFileName(one.FilePath))];

    [Theory]
    [MemberData(nameof(Recorded))]
    public void A_configured_scheduler_walks_as_recorded(string file)
    {
        using var scope = NewDisposeScope();
        var recorded = Cases().Single(one => Path.GetFileName(one.FilePath) == file);
        using var tensors = recorded.Tensors();
        using var noise = NoiseSource.Replay(tensors.Has("in.step_noise") ? tensors["in.step_noise"].unbind() : []);
        var plan = SamplingPlan.Create(Settings(recorded), null, null, null, recorded.Json.GetProperty("steps").GetInt32(), latents: (128, 128));
        // Solvers round what they tell the network.
        var isSolver = !recorded.Text("class")!.StartsWith("FlowMatch", StringComparison.Ordinal);
        var latents = new List<Tensor>();
        plan.Run(
            (x, timestep, step) => AnalyticNetwork.Velocity(x, isSolver ? Level(plan.Sigmas[step]) : timestep / 1000),
            plan.Start(tensors["in.noise"]), noise, step => latents.Add(step.Latents().MoveToOuterDisposeScope().DetachFromDisposeScope()));
        var expected = tensors["out.latents"];
        Assert.Equal(expected.shape[0], plan.ModelCalls);
        // Where a step makes two calls, its end is recorded with the second; the last step makes one.
        var every = plan.ModelCalls > plan.Steps ? 2 : 1;
        for (var i = 0; i < latents.Count; i++)
            GoldenAssert.Close($"latents after step {i + 1}", latents[i], expected[Math.Min((i + 1) * every, plan.ModelCalls) - 1], recorded.Tolerance);
        foreach (var one in latents) one.Dispose();
    }

    [Fact]
    public void Recorded_lists_of_levels_come_from_their_configurations()
    {
        var rows = JsonNode.Parse(File.ReadAllText(Repository.Fixture("goldens/schedules/diffusers.json")))!["rows"]!.AsArray()
            .Where(row => row!["class"]?.GetValue<string>().StartsWith("FlowMatch", StringComparison.Ordinal) == true && row["config"]!["time_shift_type"] is null).ToList();
        Assert.NotEmpty(rows);
        foreach (var row in rows)
        {
            var config = row!["config"]!.DeepClone();
            config["_class_name"] = row["class"]!.DeepClone();
            var call = row["set_timesteps"]!;
            var even = call["sigmas"]?.AsArray().Count;
            var settings = Settings(JsonSerializer.SerializeToElement(config), fluxList: even is not null);
            var levels = row["sigmas"]!.AsArray().Select(level => level!.GetValue<double>()).ToList();
            if (config["invert_sigmas"] is not null) levels = [.. levels.Select(level => 1 - level)];
            var plan = SamplingPlan.Create(settings, null, null, null, even ?? call["num_inference_steps"]!.GetValue<int>(), latents: SizeOf(call["mu"]?.GetValue<double>()));
            if (plan.ModelCalls > plan.Steps) levels = [.. levels.Where((_, i) => i == 0 || i % 2 == 1).Take(plan.Steps), 0];
            Numbers.Close(row.ToJsonString(), [.. plan.Sigmas.Select(Level)], [.. levels], 2e-5);
            Numbers.Close("timesteps", [.. plan.Timesteps], [.. levels.SkipLast(1).Select(level => level * 1000)], 2e-5);
        }
    }

    [Theory]
    [InlineData("euler")]
    [InlineData("flow-euler")]
    [InlineData("heun")]
    [InlineData("euler-a")]
    [InlineData("dpm++-2m")]
    [InlineData("dpm++-2s")]
    [InlineData("dpm++-2m-sde")]
    [InlineData("unipc")]
    [InlineData("lcm")]
    public void Every_fitting_sampler_finds_the_picture_on_every_fitting_schedule(string sampler)
    {
        string[] schedules = ["diffsynth", "diffusers", "karras", "exponential", "beta", "simple", "normal", "sgm-uniform", "beta-timesteps", "linear-quadratic", "ddim-uniform"];
        foreach (var settings in new[] { SchedulerSettings.DiffSynthFlow, Read(Flux) })
            foreach (var schedule in schedules)
            {
                using var scope = NewDisposeScope();
                var plan = SamplingPlan.Create(settings, sampler, schedule, null, 6, latents: (64, 96));
                using var noise = new NoiseSource([1], [2, 3, 4]);
                var picture = full([1, 2, 3, 4], 0.5f);
                var calls = 0;
                var last = plan.Run((x, timestep, _) => { calls++; return (x - picture) / (timestep / 1000); }, plan.Start(noise.Next()), noise, null);
                Assert.Equal(plan.ModelCalls, calls);
                Assert.InRange((last - picture).abs().max().ToDouble(), 0, 1e-3);
                Assert.All(plan.Timesteps, timestep => Assert.InRange(timestep, 0, 1000));
            }
    }

    [Fact]
    public void A_picture_keeps_the_end_of_the_list_or_spreads_over_the_shortened_range()
    {
        var kept = SamplingPlan.Create(SchedulerSettings.DiffSynthFlow, null, "diffusers", null, 20, 0.6);
        var whole = SamplingPlan.Create(SchedulerSettings.DiffSynthFlow, null, "diffusers", null, 20);
        Assert.Equal(whole.Sigmas.TakeLast(13), kept.Sigmas);
        Assert.Equal(6, SamplingPlan.Create(SchedulerSettings.DiffSynthFlow, null, "diffusers", null, 10, 0.55).Steps);
        var spread = SamplingPlan.Create(SchedulerSettings.DiffSynthFlow, null, null, null, 50, 0.5);
        Assert.Equal(50, spread.Steps);
        Assert.Equal([751.1211, 743.4357], spread.Timesteps.Take(2).Select(timestep => Math.Round(timestep, 4)));
        Assert.Equal(8.9286, spread.Timesteps[^1], 1e-4);
    }

    [Fact]
    public void A_picture_begins_on_the_straight_path()
    {
        using var scope = NewDisposeScope();
        var plan = SamplingPlan.Create(SchedulerSettings.DiffSynthFlow, null, null, null, 10, 0.5);
        var (noise, picture) = (ones(1, 1, 1, 1), full([1, 1, 1, 1], 3f));
        var level = plan.Timesteps[0] / 1000;
        Assert.Equal(level + 3 * (1 - level), plan.Start(noise, picture).ToDouble(), 1e-5);
        Assert.Equal(1, SamplingPlan.Create(SchedulerSettings.DiffSynthFlow, null, null, null, 10).Start(noise).ToDouble());
    }

    [Fact]
    public void The_shift_follows_the_size_of_the_picture_unless_it_is_asked_for()
    {
        var settings = Read(Flux) with { ConfiguredFor = null };
        SamplingPlan Of(long height, long width, double? shift = null)
            => SamplingPlan.Create(settings with { Shift = shift, Flow = settings.Flow! with { End = FlowEnd.OneStep } }, null, null, null, 4, latents: (height, width));
        Assert.Equal(Math.Exp(1.15), Of(128, 128).Shift, 1e-9);
        Assert.Equal(Math.Exp(0.5), Of(32, 32).Shift, 1e-9);
        Assert.Equal(FlowSchedule.Shift(0.75, Math.Exp(1.15)) * 1000, Of(128, 128).Timesteps[1], 1e-3);
        Assert.Equal([1000, 750, 500, 250], Of(128, 128, shift: 1).Timesteps);
        Assert.Equal("euler on the diffusers schedule, 4 steps, shift 3.16", Of(128, 128).Description);
        Assert.Equal(3, SamplingPlan.Create(settings, null, "diffsynth", null, 4).Shift);
    }

    [Theory]
    [InlineData("ddim", null, null, "ddim doesn't fit a model trained by flow matching; take one of euler, euler-a, heun, lcm, dpm++-2s, dpm++-2m")]
    [InlineData("deis", null, null, "deis doesn't fit")]
    [InlineData("eulr", null, null, "Did you mean 'euler'")]
    [InlineData(null, "vp", null, "vp schedule doesn't fit a model trained by flow matching; take one of diffsynth, diffusers, karras")]
    [InlineData(null, null, Prediction.V, "Leave the prediction out")]
    public void What_does_not_fit_is_said(string? sampler, string? schedule, Prediction? prediction, string said)
        => Assert.Contains(said, Assert.Throws<DiffSynthException>(() => SamplingPlan.Create(SchedulerSettings.DiffSynthFlow, sampler, schedule, prediction, 20)).Message);

    [Fact]
    public void Models_of_noise_tables_take_no_shift_and_no_flow_prediction()
    {
        Assert.Contains("Leave it out", Assert.Throws<DiffSynthException>(() => SamplingPlan.Create(new() { Shift = 3 }, null, null, null, 20)).Message);
        Assert.Contains("epsilon or v", Assert.Throws<DiffSynthException>(() => SamplingPlan.Create(new(), null, null, Prediction.Flow, 20)).Message);
    }

    [Theory]
    [InlineData("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": "3"}""", "shift cannot be")]
    [InlineData("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 0}""", "above 0")]
    [InlineData("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 1e300}""", "up to 1000000")]
    [InlineData("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift_terminal": 1}""", "below 1")]
    [InlineData("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": 1}""", "true or false")]
    [InlineData("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": true, "time_shift_type": "wavy"}""", "exponential or linear")]
    [InlineData("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": true, "max_image_seq_len": 256}""", "are the same")]
    [InlineData("""{"_class_name": "FlowMatchEulerDiscreteScheduler", "use_karras_sigmas": true, "use_beta_sigmas": true}""", "not several")]
    [InlineData("""{"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": true}""", "belong together")]
    public void Configurations_that_make_no_sense_are_refused(string json, string said)
        => Assert.Contains(said, Assert.Throws<DiffSynthException>(() => Read(json)).Message);

    [Fact]
    public void Words_of_a_recorded_request_are_understood()
    {
        static SamplingPlan Plan(string words, int steps)
        {
            using var document = JsonDocument.Parse(words);
            return SamplingPlan.Create(SchedulerSettings.FromRequest(document.RootElement), "flow-euler", null, Prediction.Flow, steps, latents: (128, 128));
        }
        var flux = Plan("""{"name": "diffusers", "dynamic_shift": {"base": 0.5, "max": 1.15, "base_tokens": 256, "max_tokens": 4096}, "sigma_max": 1.0, "sigma_min": "1/steps"}""", 4);
        Assert.Equal((Math.Exp(1.15), "euler"), (flux.Shift, flux.SamplerName));
        Assert.Equal([1000, 750, 500, 250], Plan("""{"name": "diffusers", "shift": 1, "sigma_max": 1.0, "sigma_min": "1/steps"}""", 4).Timesteps);
        Assert.Equal([1000, 750, 500, 250], Plan("""{"name": "diffusers", "train_steps": 1, "shift": 1, "inverted": true, "sigma_min": 0.0, "sigma_max": 1.0, "points": "steps + 1"}""", 4).Timesteps);
        // Its last step, from no noise to no noise, moves nothing and is left out.
        Assert.Equal([1000, 750, 500, 250], Plan("""{"name": "diffsynth", "train_steps": 1, "shift": 1, "inverted": true, "sigma_min": 0.0, "sigma_max": 1.0, "points": "steps"}""", 5).Timesteps);
    }

    private static IEnumerable<GoldenCase> Cases() => GoldenFolder.All().First(folder => folder.Name == "samplers").Cases()
        .Where(one => one.Text("library") == "diffusers" && one.Text("prediction") == "flow" && one.Text("class") != "LTXEulerAncestralRFScheduler");

    // A picture of one row of tokens that has this logarithm of a shift by FLUX's line.
    private static (long Height, long Width) SizeOf(double? mu) => (2, 2 * (long)Math.Round(256 + ((mu ?? 0.5) - 0.5) / (1.15 - 0.5) * (4096 - 256)));

    private static double Level(double sigma) => sigma / (1 + sigma);

    private static SchedulerSettings Settings(GoldenCase recorded)
    {
        var config = JsonNode.Parse(recorded.Json.GetProperty("config").GetRawText())!;
        config["_class_name"] = recorded.Text("class");
        config["prediction_type"] = "flow_prediction";
        return Settings(JsonSerializer.SerializeToElement(config), recorded.Json.GetProperty("set_timesteps").TryGetProperty("sigmas", out _));
    }

    // FLUX's pipeline makes its own even list, which ends one step above 0.
    private static SchedulerSettings Settings(JsonElement config, bool fluxList)
    {
        var settings = SchedulerSettings.FromDiffusers(config);
        return fluxList ? settings with { Flow = settings.Flow! with { End = FlowEnd.OneStep } } : settings;
    }

    private static SchedulerSettings Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return SchedulerSettings.FromDiffusers(document.RootElement);
    }
}
