using System.Text;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary><c>config.json</c> and <c>scheduler_config.json</c> of a model folder, and the schedule that the latter asks for.</summary>
internal sealed class ConfigTarget : FuzzTarget
{
    private static readonly string[] s_names = ["num_attention_heads", "attention_head_dim", "norm_num_groups", "sample_size", "hidden_act", "scaling_factor", "_class_name"];

    public override string Name => "config";

    public override int LongestInput => 1 << 13;

    // A schedule may have been trained on 100,000 levels, each of which is a number in several tables.
    public override long FixedBytes => 64 << 20;

    public override IReadOnlyList<string> Words =>
    [
        .. s_names, "\"_class_name\":\"DDIMScheduler\",", "\"_class_name\":\"EulerDiscreteScheduler\",", "\"_class_name\":\"DPMSolverMultistepScheduler\",", "\"_class_name\":\"UniPCMultistepScheduler\",",
        "\"num_train_timesteps\":", "\"beta_start\":", "\"beta_end\":", "\"beta_schedule\":\"scaled_linear\"", "\"trained_betas\":[", "\"timestep_spacing\":\"leading\"", "\"steps_offset\":", "\"sigma_max\":",
        "\"sigma_min\":", "\"use_karras_sigmas\":true", "\"use_beta_sigmas\":true", "\"disable_corrector\":[", "\"solver_order\":", "\"original_inference_steps\":", "-Infinity", "NaN", "1e999", "null", "\\ud800", "2147483648",
    ];

    public override void Read(byte[] input)
    {
        var config = ConfigFile.Parse(Encoding.UTF8.GetString(input), "config.json");
        foreach (var name in s_names)
        {
            Attempt(() => config.Whole(name));
            Attempt(() => config.Number(name));
            Attempt(() => config.Text(name));
        }
        var settings = SchedulerSettings.FromDiffusers(config.Root);
        foreach (var steps in (int[])[1, 4, 50])
            Attempt(() => _ = SamplingPlan.Create(settings, null, null, null, steps).ModelCalls);
        Attempt(() => SamplingPlan.Create(settings, null, null, null, 10, strength: 0.5));
    }
}
