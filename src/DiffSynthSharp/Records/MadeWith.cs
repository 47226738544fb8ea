using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DiffSynthSharp.Generation;
using TorchSharp;

namespace DiffSynthSharp.Records;

/// <summary>What besides the request decides over a picture's last bits, and what was chosen where the request left it open.</summary>
public sealed record MadeWith
{
    /// <summary>This program and its version.</summary>
    public required string Program { get; init; }

    /// <summary>The library that computes.</summary>
    public required string Library { get; init; }

    /// <summary>The widest instructions that kernels can use.</summary>
    public required string Kernels { get; init; }

    /// <summary>Operating system and processor architecture.</summary>
    public required string Platform { get; init; }

    /// <summary>Threads of the operators.</summary>
    public required int Threads { get; init; }

    /// <summary>The device that computed.</summary>
    public required string Device { get; init; }

    /// <summary>The sampler.</summary>
    public required string Sampler { get; init; }

    /// <summary>The schedule.</summary>
    public required string Schedule { get; init; }

    /// <summary>The guidance scale.</summary>
    public required double Guidance { get; init; }

    /// <summary>The first pass's width in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>The first pass's height in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>This program and its version, as records have it.</summary>
    public static string ThisProgram { get; } = $"DiffSynthSharp {Version()}";

    internal static MadeWith Here(DiffusionModel model, GenerationRequest request)
    {
        var first = RequestCheck.Passes(request, model.Family)[0];
        return new()
        {
            Program = ThisProgram,
            Library = ThisLibrary,
            Kernels = Instructions(),
            Platform = RuntimeInformation.RuntimeIdentifier,
            Threads = torch.get_num_threads(),
            Device = model.Options.Device,
            Sampler = first.Sampling.SamplerName,
            Schedule = first.Sampling.ScheduleName,
            Guidance = request.Guidance ?? model.Family.DefaultGuidance,
            Width = first.Width,
            Height = first.Height,
        };
    }

    /// <summary>What of this is another thing here and now: name, then, now. The choices are left out: they are the request's, and the model may be another.</summary>
    internal IEnumerable<string> DifferencesTo(DiffusionModel model)
    {
        (string Name, string Then, string Now)[] all =
        [
            ("program", Program, ThisProgram), ("library", Library, ThisLibrary), ("kernels", Kernels, Instructions()),
            ("platform", Platform, RuntimeInformation.RuntimeIdentifier), ("threads", $"{Threads}", $"{torch.get_num_threads()}"), ("device", Device, model.Options.Device),
        ];
        return all.Where(one => one.Then != one.Now).Select(one => $"{one.Name}: {one.Then} then, {one.Now} now");
    }

    private static string ThisLibrary => $"libtorch {torch.__version__}";

    private static string Version()
    {
        var version = typeof(MadeWith).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        return version.Split('+')[0];
    }

    // libtorch chooses by the same signs, or as it is told.
    private static string Instructions()
    {
        var widest = Avx512BW.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2" : Vector128.IsHardwareAccelerated ? "128 bits" : "scalar";
        if (Linear.IsConvolution) widest += ", products by oneDNN";
        return Environment.GetEnvironmentVariable("ATEN_CPU_CAPABILITY") is { Length: > 0 } told ? $"{widest}, ATEN_CPU_CAPABILITY={told}" : widest;
    }
}
