using System.Globalization;

namespace DiffSynthSharp.Records;

/// <summary>What other programs call our samplers and schedules.</summary>
/// <remarks>
/// AUTOMATIC1111/stable-diffusion-webui 1.10, modules/sd_samplers_*.py and sd_schedulers.py; comfyanonymous/ComfyUI, comfy/samplers.py;
/// invoke-ai/InvokeAI, backend/stable_diffusion/schedulers.
/// </remarks>
internal static class SamplerLabels
{
    private static readonly (string Ours, string WebUi, string Comfy, string Invoke)[] s_samplers =
    [
        ("ddim", "DDIM", "ddim", "ddim"),
        ("euler", "Euler", "euler", "euler"),
        ("euler-a", "Euler a", "euler_ancestral", "euler_a"),
        ("heun", "Heun", "heun", "heun"),
        ("lms", "LMS", "lms", "lms"),
        ("dpm2", "DPM2", "dpm_2", "kdpm_2"),
        ("dpm2-a", "DPM2 a", "dpm_2_ancestral", "kdpm_2_a"),
        ("dpm-fast", "DPM fast", "dpm_fast", ""),
        ("dpm-adaptive", "DPM adaptive", "dpm_adaptive", ""),
        ("dpm++-2s", "DPM++ 2S", "", "dpmpp_2s"),
        ("dpm++-2s-a", "DPM++ 2S a", "dpmpp_2s_ancestral", ""),
        ("dpm++-2m", "DPM++ 2M", "dpmpp_2m", "dpmpp_2m"),
        ("dpm++-2m-sde", "DPM++ 2M SDE", "dpmpp_2m_sde", "dpmpp_2m_sde"),
        ("dpm++-3m-sde", "DPM++ 3M SDE", "dpmpp_3m_sde", ""),
        ("dpm++-sde", "DPM++ SDE", "dpmpp_sde", "dpmpp_sde"),
        ("unipc", "UniPC", "uni_pc_bh2", "unipc"),
        ("deis", "DEIS", "deis", "deis"),
        ("pndm", "PLMS", "", "pndm"),
        ("ddpm", "DDPM", "ddpm", "ddpm"),
        ("lcm", "LCM", "lcm", "lcm"),
        ("tcd", "TCD", "", "tcd"),
    ];

    private static readonly (string Ours, string WebUi, string Comfy)[] s_schedules =
    [
        ("karras", "Karras", "karras"),
        ("exponential", "Exponential", "exponential"),
        ("polyexponential", "Polyexponential", ""),
        ("simple", "Simple", "simple"),
        ("normal", "Normal", "normal"),
        ("normal", "Uniform", ""),
        ("sgm-uniform", "SGM Uniform", "sgm_uniform"),
        ("ddim-uniform", "DDIM", "ddim_uniform"),
        ("beta", "Beta", ""),
        ("beta-timesteps", "", "beta"),
        ("linear-quadratic", "", "linear_quadratic"),
        ("kl-optimal", "KL Optimal", "kl_optimal"),
        ("align-your-steps", "Align Your Steps", ""),
    ];

    /// <summary>A1111's name of our sampler; our own where it has none.</summary>
    public static string WebUiSampler(string ours) => s_samplers.FirstOrDefault(known => known.Ours == ours).WebUi ?? ours;

    /// <summary>A1111's name of our schedule; our own where it has none.</summary>
    public static string WebUiSchedule(string ours) => s_schedules.FirstOrDefault(known => known.Ours == ours).WebUi is { Length: > 0 } label ? label : ours;

    /// <summary>Our names of A1111's sampler and schedule; a null sampler is one that we don't have, a null schedule likewise.</summary>
    /// <param name="sampler">Such as "Euler a", or of old times "DPM++ 2M Karras".</param>
    /// <param name="schedule">Such as "Karras"; null in old texts.</param>
    public static (string? Sampler, string? Schedule) OfWebUi(string sampler, string? schedule)
    {
        var known = s_samplers.FirstOrDefault(one => Same(one.WebUi, sampler) || Same(one.Ours, sampler)).Ours;
        if (known is null && schedule is null && sampler.LastIndexOf(' ') is var blank and > 0)
            return OfWebUi(sampler[..blank], sampler[(blank + 1)..]) is ({ } found, { } suffix) ? (found, suffix) : (null, null);
        return (known, schedule is null or "Automatic" ? Automatic(known, schedule) : WebUiScheduleOf(schedule));
    }

    /// <summary>Our names of what a ComfyUI graph says.</summary>
    public static (string? Sampler, string? Schedule) OfComfy(string sampler, string schedule)
    {
        var name = sampler.EndsWith("_gpu", StringComparison.Ordinal) ? sampler[..^4] : sampler;
        return (s_samplers.FirstOrDefault(one => one.Comfy == name && name.Length > 0).Ours, s_schedules.FirstOrDefault(one => one.Comfy == schedule && schedule.Length > 0).Ours);
    }

    /// <summary>Our names of InvokeAI's scheduler, which has a suffix for Karras' levels and is else spaced as diffusers does it.</summary>
    public static (string? Sampler, string? Schedule) OfInvoke(string scheduler)
    {
        var isKarras = scheduler.EndsWith("_k", StringComparison.Ordinal);
        var name = isKarras ? scheduler[..^2] : scheduler;
        if (name.StartsWith("k_", StringComparison.Ordinal)) name = name[2..] is var old && old.StartsWith("dpm_", StringComparison.Ordinal) ? $"k{old}" : old;
        if (name == "plms") name = "pndm";
        return (s_samplers.FirstOrDefault(one => one.Invoke == name && name.Length > 0).Ours, isKarras ? "karras" : "diffusers");
    }

    // Before there was a choice of schedules, a sampler without a suffix had even timesteps; "Automatic" takes each sampler's own.
    private static string? Automatic(string? sampler, string? schedule) => sampler switch
    {
        "ddim" or "pndm" => "ddim-uniform",
        "dpm++-2m" or "dpm++-sde" or "dpm++-2s-a" or "dpm2" or "dpm2-a" when schedule is not null => "karras",
        "dpm++-2m-sde" or "dpm++-3m-sde" when schedule is not null => "exponential",
        _ => "normal",
    };

    private static string? WebUiScheduleOf(string label) => s_schedules.FirstOrDefault(one => Same(one.WebUi, label)).Ours
        ?? Sampling.Schedules.ScheduleNames.All.FirstOrDefault(one => one.Name == label).Name;

    private static bool Same(string known, string text) => known.Length > 0 && string.Compare(known, text, CultureInfo.InvariantCulture, CompareOptions.IgnoreCase) == 0;
}
