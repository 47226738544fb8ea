using System.Globalization;
using DiffSynthSharp.Benchmarking;

namespace DiffSynthSharp.Cli.Output;

/// <summary>What a long run showed, in words.</summary>
internal static class EnduranceReport
{
    private const double MiB = 1024 * 1024;

    /// <param name="terminal">Where to.</param>
    /// <param name="result">What was measured.</param>
    /// <param name="json">As one JSON object.</param>
    public static void Write(Terminal terminal, EnduranceResult result, bool json)
    {
        if (json)
        {
            JsonLines.Write(terminal.Out, result);
            return;
        }
        void Line(string name, FormattableString value) => terminal.Out.WriteLine($"{name,-10}{value.ToString(CultureInfo.InvariantCulture)}");
        Line("model", $"{result.Model}, {result.Threads} threads");
        Line("between", $"{result.Cancelled} cancelled jobs, {result.Refused} refused ones");
        foreach (var sample in result.Samples)
            Line($"after {sample.Pictures}", $"{sample.RssBytes / MiB:0} MiB, of which {sample.CachedBytes / MiB:0} MiB kept for reuse; {sample.Tensors} tensors, {sample.Handles} handles, {sample.SecondsPerPicture:0.000} s a picture");
        Line("cancel", $"{result.MedianCancelSeconds:0.000} s until a job had ended, {result.LongestCancelSeconds:0.000} s at most");
        Line("block", $"{result.LongestBlockSeconds:0.000} s at most between two places where a picture can stop, {result.LongestLoadBlockSeconds:0.000} s while loading");
    }
}
