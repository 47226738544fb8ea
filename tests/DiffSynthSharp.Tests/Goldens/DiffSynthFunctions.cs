using System.Text.Json;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Sampling.Samplers;
using DiffSynthSharp.Sampling.Schedules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>The single functions of DiffSynth's schedulers: a step, noising, the training target, and the noise between two latents.</summary>
internal static class DiffSynthFunctions
{
    public static void Check(GoldenCase @case, GoldenTensors tensors)
    {
        var steps = @case.Json.GetProperty("steps").GetInt32();
        foreach (var key in @case.Json.GetProperty("keys").EnumerateArray())
        {
            var name = key.GetProperty("key").GetString()!;
            var config = @case.Json.GetProperty("configs").GetProperty(name.Split('.')[0]);
            Check(@case, tensors, name, new Functions(config, name.Split('.')[0], steps, key.GetProperty("timestep").GetDouble()));
        }
    }

    private static void Check(GoldenCase @case, GoldenTensors tensors, string key, Functions ours)
    {
        var (sample, noise, output) = (tensors["in.sample"], tensors["in.noise"], tensors["in.output"]);
        foreach (var name in tensors.Outputs.Where(name => name.StartsWith($"out.{key}.", StringComparison.Ordinal)))
        {
            var value = name[$"out.{key}.".Length..] switch
            {
                "step" => ours.Step(output, sample, toFinal: false),
                "step_to_final" => ours.Step(output, sample, toFinal: true),
                "add_noise" => ours.Noised(sample, noise),
                "training_target" => ours.Target(sample, noise),
                "return_to_timestep" => ours.Return(sample, tensors["in.stable"]),
                _ => throw new NotSupportedException($"No one checks '{name}'."),
            };
            GoldenAssert.Close(name, value, tensors[name], @case.Tolerance);
        }
    }

    private sealed class Functions
    {
        private readonly Prediction _prediction;
        private readonly double _sigma;
        private readonly double _next;
        private readonly bool _inverted;

        public Functions(JsonElement config, string family, int steps, double timestep)
        {
            _inverted = RecordedSchedules.Flag(config, "inverse_timesteps");
            var ladder = family is "flow" or "omnigen" ? Flow(config, steps) : Plan(config, steps, out _prediction);
            if (family is "flow" or "omnigen") _prediction = Prediction.Flow;
            var index = Enumerable.Range(0, steps).MinBy(i => Math.Abs(ladder.Timesteps[i] - timestep));
            (_sigma, _next) = (ladder.Sigmas[index], ladder.Sigmas[index + 1]);
        }

        private LatentSpace Space => Denoiser.SpaceOf(_prediction);

        public Tensor Step(Tensor output, Tensor sample, bool toFinal)
        {
            var ladder = new Ladder([_sigma, toFinal ? 0 : _next], [0]);
            var denoiser = new Denoiser((_, _) => _inverted ? -output : output, _prediction, ladder, _ => 0, Clipping.None);
            using var noise = NoiseSource.Replay([]);
            var run = new Trajectory(ladder, denoiser.Denoise, noise);
            var start = sample / Denoiser.InputScale(Space, _sigma);
            return new Euler(Churn.None, NoiseDraws.WhenUsed).Run(run, start) * Denoiser.InputScale(Space, ladder.Sigmas[1]);
        }

        public Tensor Noised(Tensor sample, Tensor noise)
            => _inverted ? NoisedLatents.Mix(noise, sample, _sigma, Space) : NoisedLatents.Mix(sample, noise, _sigma, Space);

        public Tensor Target(Tensor sample, Tensor noise) => NoisedLatents.Target(_prediction, sample, noise, _sigma);

        // The flow scheduler answers with a velocity; inverted, its level is 1 − ours.
        public Tensor Return(Tensor sample, Tensor stable)
        {
            var noise = NoisedLatents.NoiseIn(sample, stable, _inverted ? Math.Min(1 / _sigma, AlphaTable.PureNoise) : _sigma, Space);
            return _prediction == Prediction.Flow ? noise - stable : noise;
        }

        private static Ladder Plan(JsonElement config, int steps, out Prediction prediction)
        {
            var settings = RecordedSchedules.DiffSynthSettings(config);
            prediction = settings.Prediction;
            return SamplingPlan.Create(settings, null, null, null, steps).Ladder;
        }

        private Ladder Flow(JsonElement config, int steps)
        {
            var levels = RecordedSchedules.DiffSynthFlow(config, null, steps, 1);
            var train = RecordedSchedules.Number(config, "num_train_timesteps", 1000);
            return FlowSchedule.Of(_inverted ? levels.Select(level => 1 - level) : levels, [.. levels.Select(level => level * train)]);
        }
    }
}
