using System.Globalization;
using DiffSynthSharp.Benchmarking;

namespace DiffSynthSharp.Cli.Output;

/// <summary>What was measured of a model, in words.</summary>
internal static class BenchReport
{
    private const double MiB = 1024 * 1024;

    // From here on the clock and the processor time tell two stories.
    private const double Apart = 1.1;

    /// <param name="terminal">Where to.</param>
    /// <param name="result">What was measured.</param>
    /// <param name="json">As one JSON object.</param>
    public static void Write(Terminal terminal, BenchmarkResult result, bool json)
    {
        if (json)
        {
            JsonLines.Write(terminal.Out, result);
            return;
        }
        void Line(string name, FormattableString value) => terminal.Out.WriteLine($"{name,-10}{value.ToString(CultureInfo.InvariantCulture)}");
        Line("model", $"{result.Model}, {result.Width}x{result.Height}, {result.Threads} threads");
        Line("load", $"{result.LoadSeconds:0.00} s");
        Line("step", $"{(result.Guidance > 1 ? "guided, " : "")}{result.StepSeconds:0.000} s{Part(result.StepIsWhole)}, {result.StepGflops:0.0} GFLOP/s, {Shares(result, result.StepGflops, result.StepProcessorGflops)}");
        Line("decode", $"{result.DecodeSeconds:0.000} s{Part(result.DecodeIsWhole)}, {result.DecodeGflops:0.0} GFLOP/s, {Shares(result, result.DecodeGflops, result.DecodeProcessorGflops)}");
        Line("peak", $"{Peaks(result)} (measured multiply-adds)");
        Line("memory", $"{result.PeakRssBytes / MiB:0} MiB at most; in steps {result.StepRssBytes / 1e9:0.00} GB, of which {result.OwnBytes / 1e9:0.00} GB own and {result.FileBytes / 1e9:0.00} GB file pages that the system may drop (most of each)");
        if (result.ForetoldBytes > 0) Line("foretold", $"{result.ForetoldBytes / MiB:0} MiB at most; in steps {result.ForetoldStepBytes / 1e9:0.00} GB (see diffsynth plan)");
        if (result.ReadBytesPerStep > 0) Line("disk", $"{result.ReadBytesPerStep / 1e9:0.00} GB read per step, {100 * result.WaitShare:0.0} % of the time waiting for it");
    }

    /// <summary>How much of the machine's peak was reached: by the clock, and by processor time too where that says something else.</summary>
    /// <param name="result">Has the peaks.</param>
    /// <param name="gflops">By the clock.</param>
    /// <param name="processorGflops">By processor time; 0 where it isn't known.</param>
    internal static string Shares(BenchmarkResult result, double gflops, double processorGflops)
    {
        var (byClock, byProcessor) = (100 * gflops / result.PeakGflops, result.PeakProcessorGflops > 0 ? 100 * processorGflops / result.PeakProcessorGflops : 0);
        return byProcessor <= 0 || !AreApart(byClock, byProcessor) ? string.Create(CultureInfo.InvariantCulture, $"{byClock:0} % of peak")
            : string.Create(CultureInfo.InvariantCulture, $"{byProcessor:0} % of peak by processor time, {byClock:0} % by the clock{(byProcessor > byClock ? ": the machine was busy, or threads waited" : "")}");
    }

    private static string Peaks(BenchmarkResult result) => AreApart(result.PeakGflops, result.PeakProcessorGflops) && result.PeakProcessorGflops > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{result.PeakProcessorGflops:0.0} GFLOP/s by processor time, {result.PeakGflops:0.0} by the clock")
        : string.Create(CultureInfo.InvariantCulture, $"{result.PeakGflops:0.0} GFLOP/s");

    private static bool AreApart(double one, double other) => Math.Max(one, other) > Apart * Math.Min(one, other);

    private static string Part(bool isWhole) => isWhole ? "" : " of a part";
}
