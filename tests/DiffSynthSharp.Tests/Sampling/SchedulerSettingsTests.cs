using System.Text.Json;
using DiffSynthSharp.Sampling;

namespace DiffSynthSharp.Tests.Sampling;

public sealed class SchedulerSettingsTests
{
    [Fact]
    public void The_published_configuration_of_Stable_Diffusion_is_read()
    {
        var settings = Read("""
            {"_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
             "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null, "clip_sample": false}
            """);
        Assert.Equal(("pndm", "diffusers"), (settings.Sampler, settings.Schedule));
        Assert.Equal((0.00085, 0.012, BetaCurve.ScaledLinear), (settings.BetaStart, settings.BetaEnd, settings.BetaCurve));
        Assert.True(settings is { SkipPrkSteps: true, EndsAtFirstAlpha: true, Offset: 1, Spacing: TimestepSpacing.Leading });
        Assert.Equal([981, 961], SamplingPlan.Create(settings, null, null, null, 50).Timesteps.Take(2));
    }

    [Fact]
    public void Absent_keys_take_the_defaults_of_their_class()
    {
        Assert.Equal(1, Read("""{"_class_name": "DDIMScheduler"}""").Clipping.Range);
        Assert.True(Read("""{"_class_name": "LCMScheduler"}""").Clipping.IsNone);
        Assert.Equal(0.00085, Read("""{"_class_name": "HeunDiscreteScheduler"}""").BetaStart);
        Assert.Equal(0.0001, Read("""{"_class_name": "EulerDiscreteScheduler"}""").BetaStart);
    }

    [Theory]
    [InlineData("""{"_class_name": "EulerDiscretScheduler"}""", "EulerDiscreteScheduler")]
    [InlineData("""{"beta_start": 1}""", "scheduler class")]
    [InlineData("""{"_class_name": "EulerDiscreteScheduler", "timestep_type": "continuous"}""", "timestep_type")]
    [InlineData("""{"_class_name": "UniPCMultistepScheduler", "solver_p": {}}""", "solver_p")]
    [InlineData("""{"_class_name": "DDIMScheduler", "beta_schedule": "wavy"}""", "wavy")]
    [InlineData("""{"_class_name": "DDIMScheduler", "num_train_timesteps": 2000000000}""", "num_train_timesteps")]
    [InlineData("""{"_class_name": "DDIMScheduler", "beta_start": "small"}""", "beta_start")]
    [InlineData("""{"_class_name": "DDPMScheduler", "variance_type": "learned_range"}""", "learned_range")]
    [InlineData("""{"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver"}""", "sigma_min")]
    public void What_is_not_understood_is_an_error_that_names_it(string json, string named)
        => Assert.Contains(named, Assert.Throws<DiffSynthException>(() => Read(json)).Message);

    [Fact]
    public void Betas_that_give_no_levels_are_refused()
        => Assert.Contains("betas", Assert.Throws<DiffSynthException>(
            () => SamplingPlan.Create(Read("""{"_class_name": "EulerDiscreteScheduler", "beta_end": 5}"""), null, null, null, 4)).Message);

    [Fact]
    public void Trained_betas_say_how_many_timesteps_there_are()
    {
        var settings = Read("""{"_class_name": "DDIMScheduler", "trained_betas": [0.1, 0.2, 0.3], "num_train_timesteps": 1000}""");
        Assert.Equal(3, settings.TrainSteps);
        Assert.Equal(0.9 * 0.8 * 0.7, AlphaTable.Of(settings, finite: true).Alphas[2], 1e-6);
        Assert.Throws<DiffSynthException>(() => SamplingPlan.Create(settings, null, null, null, 4));
    }

    [Fact]
    public void Another_sampler_does_not_inherit_numbers_that_were_meant_for_the_folders_own()
    {
        var folder = Read("""{"_class_name": "DPMSolverMultistepScheduler", "solver_order": 3, "euler_at_final": true, "timestep_spacing": "trailing"}""");
        var other = folder.For("lms");
        Assert.Equal(("lms", null, false, TimestepSpacing.Trailing), (other.Sampler, other.Order, other.EulerAtFinal, other.Spacing));
        Assert.Equal(3, folder.For("dpm++-2m").Order);
    }

    private static SchedulerSettings Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return SchedulerSettings.FromDiffusers(document.RootElement);
    }
}
