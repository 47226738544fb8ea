namespace DiffSynthSharp.Sampling;

/// <summary>A scheduler class of diffusers: what its constructor takes, and with which defaults.</summary>
/// <param name="Name">As in <c>_class_name</c>.</param>
/// <param name="Defaults">Settings when no key is present.</param>
/// <param name="Clips">Whether clean predictions are clipped when the configuration does not say.</param>
/// <param name="Keys">Keys besides those that every class for noise schedules takes.</param>
internal sealed record DiffusersClass(string Name, SchedulerSettings Defaults, bool Clips, string[] Keys)
{
    private static readonly string[] s_common =
    [
        "num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type", "timestep_spacing", "steps_offset",
    ];

    public bool Takes(string key) => (Defaults.Flow is null && s_common.Contains(key)) || Keys.Contains(key);
}

/// <summary>diffusers' scheduler classes.</summary>
/// <remarks>huggingface/diffusers, src/diffusers/schedulers: constructors.</remarks>
internal static class DiffusersClasses
{
    private static readonly string[] s_threshold = ["thresholding", "dynamic_thresholding_ratio", "sample_max_value"];
    private static readonly string[] s_clip = ["clip_sample", "clip_sample_range", .. s_threshold];
    private static readonly string[] s_curves = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"];
    private static readonly string[] s_flow = ["use_flow_sigmas", "flow_shift", "use_dynamic_shifting", "time_shift_type"];
    private static readonly string[] s_solver = ["solver_order", "solver_type", "lower_order_final", "algorithm_type", .. s_threshold, .. s_curves, .. s_flow];

    private static readonly SchedulerSettings s_plain = new()
    {
        BetaStart = 0.0001,
        BetaEnd = 0.02,
        BetaCurve = BetaCurve.Linear,
        Spacing = TimestepSpacing.Linspace,
    };

    private static readonly SchedulerSettings s_sensible = s_plain with { BetaStart = 0.00085, BetaEnd = 0.012 };

    private static readonly SchedulerSettings s_straight = SchedulerSettings.DiffSynthFlow with { Flow = new() { Shift = 1, End = FlowEnd.LowestTrained } };
    private static readonly string[] s_straightKeys =
    [
        "num_train_timesteps", "shift", "use_dynamic_shifting", "base_shift", "max_shift", "base_image_seq_len", "max_image_seq_len", "time_shift_type", "shift_terminal",
        "invert_sigmas", .. s_curves,
    ];

    private static readonly DiffusersClass[] s_classes =
    [
        new("FlowMatchEulerDiscreteScheduler", s_straight, false, [.. s_straightKeys, "stochastic_sampling"]),
        new("FlowMatchHeunDiscreteScheduler", s_straight with { Sampler = "heun" }, false, ["num_train_timesteps", "shift"]),
        new("FlowMatchLCMScheduler", s_straight with { Sampler = "lcm" }, false, s_straightKeys),
        new("DDIMScheduler", s_plain with { Sampler = "ddim", Spacing = TimestepSpacing.Leading }, true,
            ["set_alpha_to_one", "rescale_betas_zero_snr", .. s_clip]),
        new("DDPMScheduler", s_plain with { Sampler = "ddpm", Spacing = TimestepSpacing.Leading }, true,
            ["variance_type", "rescale_betas_zero_snr", .. s_clip]),
        new("PNDMScheduler", s_plain with { Sampler = "pndm", Spacing = TimestepSpacing.Leading, SkipPrkSteps = false, EndsAtFirstAlpha = true }, false,
            ["skip_prk_steps", "set_alpha_to_one"]),
        new("EulerDiscreteScheduler", s_plain with { Sampler = "euler" }, false,
            ["interpolation_type", "sigma_min", "sigma_max", "timestep_type", "rescale_betas_zero_snr", "final_sigmas_type", .. s_curves]),
        new("EulerAncestralDiscreteScheduler", s_plain with { Sampler = "euler-a" }, false, ["rescale_betas_zero_snr"]),
        new("HeunDiscreteScheduler", s_sensible with { Sampler = "heun" }, false, ["clip_sample", "clip_sample_range", .. s_curves]),
        new("LMSDiscreteScheduler", s_plain with { Sampler = "lms" }, false, s_curves),
        new("KDPM2DiscreteScheduler", s_sensible with { Sampler = "dpm2" }, false, s_curves),
        new("KDPM2AncestralDiscreteScheduler", s_sensible with { Sampler = "dpm2-a" }, false, s_curves),
        new("DPMSolverSDEScheduler", s_sensible with { Sampler = "dpm++-sde" }, false, ["noise_sampler_seed", .. s_curves]),
        new("DPMSolverMultistepScheduler", s_plain with { Sampler = "dpm++-2m" }, false,
            ["euler_at_final", "use_lu_lambdas", "final_sigmas_type", "lambda_min_clipped", "variance_type", "rescale_betas_zero_snr", .. s_solver]),
        new("DPMSolverSinglestepScheduler", s_plain with { Sampler = "dpm++-2s", LowerOrderFinal = false }, false,
            ["final_sigmas_type", "lambda_min_clipped", "variance_type", .. s_solver]),
        new("UniPCMultistepScheduler", s_plain with { Sampler = "unipc" }, false,
            ["predict_x0", "disable_corrector", "solver_p", "final_sigmas_type", "rescale_betas_zero_snr", "sigma_min", "sigma_max", "shift_terminal",
                .. s_solver.Except(["algorithm_type"])]),
        new("DEISMultistepScheduler", s_plain with { Sampler = "deis", EndsAtSigmaMin = true }, false, s_solver),
        new("LCMScheduler", s_sensible with { Sampler = "lcm", BetaCurve = BetaCurve.ScaledLinear, Spacing = TimestepSpacing.Leading }, false,
            ["original_inference_steps", "timestep_scaling", "set_alpha_to_one", "rescale_betas_zero_snr", .. s_clip]),
        new("TCDScheduler", s_sensible with { Sampler = "tcd", BetaCurve = BetaCurve.ScaledLinear, Spacing = TimestepSpacing.Leading }, false,
            ["original_inference_steps", "timestep_scaling", "set_alpha_to_one", "rescale_betas_zero_snr", .. s_clip]),
    ];

    /// <exception cref="DiffSynthException">No such class.</exception>
    public static DiffusersClass Find(string name) => s_classes.FirstOrDefault(known => known.Name == name)
        ?? throw new DiffSynthException(KnownNames.Unknown("scheduler class", name, s_classes.Select(known => known.Name)));
}
