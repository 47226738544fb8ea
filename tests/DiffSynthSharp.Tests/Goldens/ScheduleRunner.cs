using System.Text.Json;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Sampling.Schedules;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Lists of timesteps and levels of DiffSynth, diffusers, k-diffusion and the two web programs; reports every row that differs.</summary>
internal sealed class ScheduleRunner : IGoldenRunner
{
    public string Kind => "schedules";

    public void Run(GoldenCase @case)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(@case.FilePath));
        var failures = new List<string>();
        foreach (var (row, index) in document.RootElement.GetProperty("rows").EnumerateArray().Select((row, index) => (row, index)))
        {
            using var scope = NewDisposeScope();
            var difference = new Row(row, @case.Tolerance).Difference();
            if (difference is not null) failures.Add($"row {index}, {new string([.. row.GetRawText().Take(160)])}: {difference}");
        }
        Assert.True(failures.Count == 0, $"{failures.Count} rows differ.\n{string.Join('\n', failures.Take(40))}");
    }

    private sealed class Row(JsonElement json, double tolerance)
    {
        private static readonly JsonElement s_empty = JsonSerializer.SerializeToElement(new { });

        public string? Difference()
        {
            if (Has("ladder")) return List("sigmas", Ladder());
            if (Has("image_to_image")) return ImageToImage();
            if (Has("calculate_shift"))
            {
                var tokens = json.GetProperty("calculate_shift").GetProperty("image_seq_len").GetDouble();
                return Numbers.Difference([FlowSchedule.Mu(tokens, 0.5, 0.9, 256, 8192)], [json.GetProperty("mu").GetDouble()], tolerance);
            }
            return json.GetProperty("class").GetString() switch
            {
                "EnhancedDDIMScheduler" => DiffSynth(),
                "FlowMatchScheduler" => DiffSynthFlow(),
                "FlowMatchEulerDiscreteScheduler" or "FlowMatchHeunDiscreteScheduler" => DiffusersFlow(),
                var name => Diffusers(name!),
            };
        }

        private JsonElement Config => Has("config") ? json.GetProperty("config") : s_empty;

        private JsonElement Call => Has("set_timesteps") ? json.GetProperty("set_timesteps") : s_empty;

        private int Steps => json.GetProperty("steps").GetInt32();

        private string? DiffSynth()
        {
            var settings = RecordedSchedules.DiffSynthSettings(Config);
            if (Has("alphas_cumprod")) return List("alphas_cumprod", AlphaTable.Of(settings, finite: false).Alphas);
            return List("timesteps", SamplingPlan.Create(settings, null, null, null, Steps, json.GetProperty("denoising_strength").GetDouble()).Timesteps);
        }

        private string? DiffSynthFlow()
        {
            var train = RecordedSchedules.Number(Config, "num_train_timesteps", 1000);
            if (!Has("training"))
            {
                var levels = RecordedSchedules.DiffSynthFlow(Config, Call, Steps, json.GetProperty("denoising_strength").GetDouble());
                return List("sigmas", levels) ?? List("timesteps", [.. levels.Select(level => level * train)]);
            }
            double[] timesteps = [.. RecordedSchedules.DiffSynthFlow(Config, Call, Steps, 1).Select(level => level * train)];
            var every = json.GetProperty("every").GetInt32();
            double[] Thinned(double[] all) => [.. all.Where((_, i) => i % every == 0)];
            return List("timesteps", Thinned(timesteps)) ?? List("training_weights", Thinned(FlowSchedule.TrainingWeights(timesteps)));
        }

        private string? DiffusersFlow()
        {
            var levels = RecordedSchedules.DiffusersFlow(Config, Call);
            var last = RecordedSchedules.Flag(Config, "invert_sigmas") ? 1 : 0;
            var heun = json.GetProperty("class").GetString() == "FlowMatchHeunDiscreteScheduler";
            double[] timesteps = [.. levels.Select(level => level * 1000)];
            return List("sigmas", [.. levels, last], interleaved: heun)
                ?? List("timesteps", heun ? [timesteps[0], .. timesteps[1..].SelectMany(timestep => new[] { timestep, timestep })] : timesteps);
        }

        private string? Diffusers(string name)
        {
            var settings = RecordedSchedules.Settings(name, Config, null);
            if (Has("alphas_cumprod")) return List("alphas_cumprod", AlphaTable.Of(settings, finite: false).Alphas);
            var strength = Call.TryGetProperty("strength", out var share) ? share.GetDouble() : 1;
            var steps = Call.GetProperty("num_inference_steps").GetInt32();
            var plan = SamplingPlan.Create(settings, null, null, null, steps, strength, strength < 1 ? "spread" : null);
            var levels = settings.Prediction == Prediction.Flow ? plan.Sigmas.Select(sigma => sigma / (1 + sigma)) : plan.Sigmas;
            return List("timesteps", Asked(plan))
                ?? (Has("sigmas") ? List("sigmas", [.. levels], interleaved: plan.ModelCalls > plan.Steps) : null)
                ?? Numbers.Difference([InitialScale(plan)], [json.GetProperty("init_noise_sigma").GetDouble()], tolerance);
        }

        // What the network is told at each call, inner evaluations included.
        private static double[] Asked(SamplingPlan plan)
        {
            var asked = new List<double>();
            using var noise = new NoiseSource([0], [1, 1, 1]);
            plan.Run((latents, timestep, _) =>
            {
                asked.Add(timestep);
                return zeros_like(latents);
            }, plan.Start(ones(1, 1, 1, 1)), noise, null);
            return [.. asked];
        }

        // Latents that are not scaled for the network begin at more than unit variance.
        private double InitialScale(SamplingPlan plan)
        {
            var start = plan.Start(ones(1, 1, 1, 1, dtype: float64)).ToDouble();
            return Math.Abs(json.GetProperty("init_noise_sigma").GetDouble() - 1) < 1e-9 ? start : start * Math.Sqrt(1 + plan.Sigmas[0] * plan.Sigmas[0]);
        }

        private string? ImageToImage()
        {
            var (steps, strength) = (Steps, json.GetProperty("strength").GetDouble());
            if (Has("timesteps_run"))
            {
                var settings = new SchedulerSettings { Spacing = TimestepSpacing.Linspace };
                var plan = SamplingPlan.Create(settings, "euler", "diffusers", null, steps, strength, "kept");
                return Equal("start", steps - plan.Steps) ?? List("timesteps_run", plan.Timesteps);
            }
            if (Has("total"))
            {
                var total = ImageToImageSteps.SpreadExactly(steps, strength);
                return Equal("total", total) ?? Equal("t_enc", steps - 1) ?? Equal("first_index", total - steps);
            }
            if (Has("ladder_steps")) return Equal("ladder_steps", ImageToImageSteps.Spread(steps, strength)) ?? Equal("sigmas_used", steps + 1);
            var kept = ImageToImageSteps.KeptPlusOne(steps, strength);
            return Equal("t_enc", kept - 1) ?? Equal("first_index", steps - kept);
        }

        private double[] Ladder()
        {
            var settings = new SchedulerSettings
            {
                SigmaMin = Optional("sigma_min"),
                SigmaMax = Optional("sigma_max"),
                Rho = Optional("rho"),
            };
            var table = AlphaTable.Of(settings, finite: true);
            var levels = json.TryGetProperty("model", out var model) ? Levels(model.GetString()!, table) : table.Levels;
            var (tool, name) = (json.GetProperty("tool").GetString(), json.GetProperty("ladder").GetString()!);
            if (name == "align_your_steps (SDXL)") return [.. Curves.AlignYourSteps(Steps, Curves.SdxlSteps), 0];
            var ours = name switch
            {
                "uniform" => "normal",
                "ddim" => "ddim-uniform",
                "beta" when tool == "ComfyUI" => "beta-timesteps",
                _ => name.Replace('_', '-'),
            };
            return [.. ours switch
            {
                "normal" => Grid.Close(TableLadders.Normal(levels, Steps)),
                "simple" => Grid.Close(TableLadders.Simple(levels, Steps)),
                "sgm-uniform" => Grid.Close(TableLadders.SgmUniform(levels, Steps)),
                "ddim-uniform" => Grid.Close(TableLadders.DdimUniform(levels, Steps)),
                "beta-timesteps" => Grid.Close(TableLadders.BetaTimesteps(levels, Steps)),
                "linear-quadratic" => Grid.Close(TableLadders.LinearQuadratic(levels, Steps)),
                _ => ScheduleNames.Find(ours).Create(settings, table, Steps).Sigmas,
            }];
        }

        private static LevelTable Levels(string model, AlphaTable table) => model.Split(' ') switch
        {
            ["sd"] => table.Levels,
            ["flow", "shift", var shift] => FlowSchedule.Table(new FlowOptions { Shift = double.Parse(shift) }, 1000, 1000),
            ["flux", "shift", var shift] => FlowSchedule.Table(new FlowOptions { Mu = double.Parse(shift) }, 10000, 1),
            _ => throw new NotSupportedException($"No one knows the model '{model}'."),
        };

        private bool Has(string name) => json.TryGetProperty(name, out _);

        private double? Optional(string name) => json.TryGetProperty(name, out var value) ? value.GetDouble() : null;

        private string? Equal(string name, int ours)
            => json.GetProperty(name).GetInt32() is var expected && expected == ours ? null : $"{name} is {ours}, expected {expected}";

        // Second-order classes list every level but the first twice, some with closing zeros.
        private string? List(string name, IReadOnlyList<double> ours, bool interleaved = false)
        {
            double[] expected = [.. json.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
            // diffusers closes log-linear levels, one more than steps already, with a 0 that no step reaches.
            if (name == "sigmas" && Config.TryGetProperty("interpolation_type", out var type) && type.GetString() == "log_linear") expected = expected[..^1];
            if (interleaved && expected.Length > ours.Count) expected = [.. expected.Where((_, i) => i == 0 || i % 2 == 1).Take(ours.Count)];
            return Numbers.Difference(ours, expected, tolerance) is { } difference ? $"{name}: {difference}" : null;
        }
    }
}
