using System.Globalization;

namespace DiffSynthSharp.Benchmarking;

/// <summary>Watches this process's resident memory while something runs: what is its own, and what are pages of files that the system may drop.</summary>
internal sealed class ResidentMemory : IDisposable
{
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(20);
    private readonly Timer? _timer;

    public ResidentMemory()
    {
        if (OperatingSystem.IsLinux()) _timer = new(_ => Look(), null, TimeSpan.Zero, s_every);
    }

    /// <summary>Most bytes of the process's own; 0 where the system doesn't tell.</summary>
    public long PeakOwn { get; private set; }

    /// <summary>Most bytes of file pages.</summary>
    public long PeakFiles { get; private set; }

    /// <summary>Most bytes of both at one time.</summary>
    public long PeakTogether { get; private set; }

    private void Look()
    {
        var (own, files) = (0L, 0L);
        foreach (var line in File.ReadLines("/proc/self/status"))
            if (line.StartsWith("RssAnon:", StringComparison.Ordinal)) own = Kilobytes(line);
            else if (line.StartsWith("RssFile:", StringComparison.Ordinal)) files = Kilobytes(line);
        (PeakOwn, PeakFiles, PeakTogether) = (Math.Max(PeakOwn, own), Math.Max(PeakFiles, files), Math.Max(PeakTogether, own + files));
    }

    // A name, a tab, blanks where the number has few digits, the number, its unit.
    internal static long Kilobytes(string line) => long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;

    public void Dispose() => _timer?.Dispose();
}
