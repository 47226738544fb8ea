using DiffSynthSharp.Sampling;
using DiffSynthSharp.Sampling.Samplers;
using DiffSynthSharp.Sampling.Schedules;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Sampling;

public sealed class SamplingPlanTests
{
    public static TheoryData<string> Samplers => [.. SamplerNames.All.Select(known => known.Name)];

    public static TheoryData<string> Schedules => [.. ScheduleNames.All.Select(known => known.Name)];

    [Theory]
    [MemberData(nameof(Samplers))]
    public void Every_sampler_finds_the_picture_that_the_network_always_sees(string sampler)
    {
        foreach (var schedule in ScheduleNames.All)
        {
            using var scope = NewDisposeScope();
            var plan = SamplingPlan.Create(new(), sampler, schedule.Name, Prediction.Sample, 6);
            using var noise = new NoiseSource([1], [2, 3, 4]);
            var picture = full([1, 2, 3, 4], 0.5f);
            var calls = 0;
            var last = plan.Run((_, _, _) => { calls++; return picture.clone(); }, plan.Start(noise.Next()), noise, null);
            if (sampler != "dpm-adaptive") Assert.Equal(plan.ModelCalls, calls);
            // Some ladders end a little above no noise; two samplers never go below the last level above it; a consistency model keeps what it sees there.
            var level = sampler is "dpm-fast" or "dpm-adaptive" or "lcm" ? plan.Sigmas[^2] : plan.Sigmas[^1];
            Assert.InRange((last - picture).abs().max().ToDouble(), 0, Math.Max(5 * level, 0.03));
        }
    }

    [Theory]
    [MemberData(nameof(Schedules))]
    public void Every_schedule_falls_and_takes_the_tail_for_a_picture(string schedule)
    {
        var whole = SamplingPlan.Create(new(), "euler", schedule, null, 10);
        Assert.Equal(whole.Sigmas.OrderDescending(), whole.Sigmas);
        var tail = SamplingPlan.Create(new(), "euler", schedule, null, 10, 0.5, "kept");
        Assert.Equal(whole.Sigmas.TakeLast(tail.Steps + 1), tail.Sigmas);
        Assert.Equal(5, tail.Steps);
        var spread = SamplingPlan.Create(new(), "euler", schedule, null, 10, 0.5, "spread");
        Assert.Equal(10, spread.Steps);
        Assert.True(spread.Sigmas[0] < whole.Sigmas[0]);
    }

    [Fact]
    public void Trailing_timesteps_are_as_many_as_steps_for_every_count()
    {
        var settings = new SchedulerSettings { Spacing = TimestepSpacing.Trailing };
        foreach (var steps in new[] { 1, 30, 61, 103, 999, 1000 })
        {
            var plan = SamplingPlan.Create(settings, "ddim", "diffusers", null, steps);
            Assert.Equal((steps, 999), (plan.Steps, plan.Timesteps[0]));
            Assert.All(plan.Timesteps, timestep => Assert.InRange(timestep, 0, 999));
        }
    }

    [Fact]
    public void A_strength_of_0_gives_the_picture_back()
    {
        using var scope = NewDisposeScope();
        var plan = SamplingPlan.Create(new(), null, null, null, 20, strength: 0);
        using var noise = new NoiseSource([1], [1, 2, 2]);
        var picture = full([1, 1, 2, 2], 0.25f);
        var last = plan.Run((_, _, _) => throw new InvalidOperationException("asked"), plan.Start(noise.Next(), picture), noise, null);
        Assert.Equal((0, 0), (plan.Steps, plan.ModelCalls));
        Assert.True(last.equal(picture).all().ToBoolean());
    }

    [Fact]
    public void A_picture_begins_at_the_level_of_the_first_step()
    {
        using var scope = NewDisposeScope();
        var plan = SamplingPlan.Create(new(), null, null, null, 10, strength: 0.5);
        var start = plan.Start(ones(1, 1, 1, 1), zeros(1, 1, 1, 1));
        var alpha = 1 / (1 + plan.Sigmas[0] * plan.Sigmas[0]);
        Assert.Equal(499, plan.Timesteps[0]);
        Assert.Equal(Math.Sqrt(1 - alpha), start.ToDouble(), 1e-6);
    }

    [Theory]
    [InlineData("eulr", null, 20, 1, "Did you mean 'euler'")]
    [InlineData(null, "karas", 20, 1, "Did you mean 'karras'")]
    [InlineData(null, null, 0, 1, "0 steps")]
    [InlineData(null, null, 1001, 1, "1001 steps")]
    [InlineData(null, null, 20, 2, "strength of 2")]
    [InlineData(null, null, 20, double.NaN, "strength")]
    [InlineData("dpm++-2m", "diffusers", 1000, 1, "fewer steps")]
    [InlineData("lcm", "diffusers", 51, 1, "at most 50")]
    [InlineData("flow-euler", null, 20, 1, "flow matching")]
    public void What_cannot_be_done_is_said(string? sampler, string? schedule, int steps, double strength, string said)
        => Assert.Contains(said, Assert.Throws<DiffSynthException>(() => SamplingPlan.Create(new(), sampler, schedule, null, steps, strength)).Message);

    [Fact]
    public void Pure_noise_needs_a_network_that_predicts_v()
    {
        var settings = new SchedulerSettings { ZeroTerminalSnr = true };
        Assert.Throws<DiffSynthException>(() => SamplingPlan.Create(settings, "ddim", "diffsynth", Prediction.Epsilon, 10));
        Assert.Equal(AlphaTable.PureNoise, SamplingPlan.Create(settings, "ddim", "diffsynth", Prediction.V, 10).Sigmas[0]);
    }

    [Fact]
    public void What_was_chosen_is_said()
    {
        Assert.Equal("ddim on the diffsynth schedule, 20 steps", SamplingPlan.Create(new(), null, null, null, 20).Description);
        Assert.Equal(
            "heun on the karras schedule, 5 steps (9 model calls), v-prediction",
            SamplingPlan.Create(new(), "heun", "karras", Prediction.V, 5).Description);
    }

    [Fact]
    public void Steps_are_reported_with_their_latents()
    {
        using var scope = NewDisposeScope();
        var plan = SamplingPlan.Create(new(), "euler-a", "karras", null, 4);
        using var noise = new NoiseSource([1], [1, 2, 2]);
        var seen = new List<(int Index, int Count, double Sigma, Tensor Latents)>();
        var last = plan.Run((x, _, _) => x * 0.5, plan.Start(noise.Next()), noise, step =>
        {
            Assert.Equal(step.Latents().shape, step.Denoised().shape);
            seen.Add((step.Index, step.Count, step.Sigma, step.Latents().DetachFromDisposeScope()));
        });
        Assert.Equal([0, 1, 2, 3], seen.Select(step => step.Index));
        Assert.Equal(plan.Sigmas.Skip(1), seen.Select(step => step.Sigma));
        Assert.True(seen[^1].Latents.equal(last).all().ToBoolean());
        foreach (var step in seen) step.Latents.Dispose();
    }

    [Fact]
    public void A_cancelled_run_stops_before_the_next_model_call()
    {
        using var scope = NewDisposeScope();
        var plan = SamplingPlan.Create(new(), null, null, null, 10);
        using var noise = new NoiseSource([1], [1, 2, 2]);
        using var cancellation = new CancellationTokenSource();
        var calls = 0;
        Tensor Predict(Tensor x, double timestep, int step)
        {
            if (++calls == 3) cancellation.Cancel();
            return x.clone();
        }
        Assert.Throws<OperationCanceledException>(() => plan.Run(Predict, plan.Start(noise.Next()), noise, null, cancellation.Token));
        Assert.Equal(3, calls);
    }

    [Theory]
    [MemberData(nameof(Samplers))]
    public void A_run_leaves_nothing_behind_but_its_latents(string sampler)
    {
        var plan = SamplingPlan.Create(new(), sampler, null, null, 5);
        using var noise = new NoiseSource([1], [1, 2, 2]);
        using var scope = NewDisposeScope();
        var start = plan.Start(noise.Next());
        var before = scope.DisposablesCount;
        plan.Run((x, _, _) => x * 0.5, start, noise, null);
        Assert.Equal(before + 1, scope.DisposablesCount);
    }

    [Fact]
    public void Dynamic_thresholding_brings_outliers_back()
    {
        using var scope = NewDisposeScope();
        var x = cat([full(99, 0.5f), full(1, 50f)]).reshape(1, 1, 10, 10);
        var bounded = new Clipping(ThresholdRatio: 0.95, ThresholdMax: 1).Apply(x);
        Assert.Equal(1, bounded.max().ToDouble(), 1e-6);
        Assert.Equal(0.5, bounded[0, 0, 0, 0].ToDouble(), 1e-6);
    }
}
