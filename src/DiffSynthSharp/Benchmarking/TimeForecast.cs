using DiffSynthSharp.Memory;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Benchmarking;

/// <summary>How long making pictures will take on this machine's processor, from what its units reach and the operations that are asked for. A rough figure.</summary>
/// <param name="PeakGflops">The measured peak, in GFLOP/s.</param>
/// <param name="Threads">Threads that reach it.</param>
/// <param name="EncodeSeconds">All prompts.</param>
/// <param name="StepSeconds">One step of one picture.</param>
/// <param name="DecodeSeconds">One picture.</param>
/// <param name="TotalSeconds">All pictures, without loading.</param>
/// <remarks>Reading weights from a slow disk comes on top of it.</remarks>
public sealed record TimeForecast(double PeakGflops, int Threads, double EncodeSeconds, double StepSeconds, double DecodeSeconds, double TotalSeconds)
{
    // What networks reach of the peak: benchmarks/results/base-line.md.
    private const double Share = 0.85;

    /// <summary>Measures the machine's peak, which takes a fraction of a second, and divides.</summary>
    /// <param name="forecast">The operations.</param>
    /// <param name="threads">Threads of libtorch's operators; null leaves them as they are.</param>
    /// <exception cref="DiffSynthException">The number of threads doesn't fit.</exception>
    public static TimeForecast Of(MemoryForecast forecast, int? threads = null)
    {
        TorchRuntime.EnsureLoaded();
        ThreadCount.Use(threads);
        var peak = PeakRate.Measure(get_num_threads()).ByClock;
        double Seconds(GenerationPhase phase) => forecast.Of(phase).Operations / (peak * 1e9 * Share);
        var (encode, step, decode) = (Seconds(GenerationPhase.Encode), Seconds(GenerationPhase.Step), Seconds(GenerationPhase.Decode));
        return new(peak, get_num_threads(), encode, step, decode, encode + forecast.Pictures * (forecast.ModelCalls * step + decode));
    }
}
