using System.Globalization;

namespace DiffSynthSharp.Memory;

/// <summary>The memory that this process can still get without pushing anything out.</summary>
internal static class FreeMemory
{
    private const string Group = "/sys/fs/cgroup";

    /// <summary>Bytes: what the system calls available, or less where a control group (a container) allows less.</summary>
    public static long Bytes() => OperatingSystem.IsLinux() && Available() is { } available ? Math.Min(available, LeftInGroup()) : OfRuntime();

    // The line of /proc/meminfo counts file pages that can be dropped as free.
    private static long? Available() => Field("/proc/meminfo", "MemAvailable:") * 1024;

    /// <summary>What a control group (version 2) of this process leaves, with the file pages in it that can be dropped.</summary>
    private static long LeftInGroup()
    {
        var least = long.MaxValue;
        for (var folder = Group + OwnGroup(); folder.Length >= Group.Length; folder = Path.GetDirectoryName(folder)!)
            if (Number(Path.Combine(folder, "memory.max")) is { } most && Number(Path.Combine(folder, "memory.current")) is { } used)
                least = Math.Min(least, Math.Max(most - used + (Field(Path.Combine(folder, "memory.stat"), "inactive_file") ?? 0), 0));
        return least;
    }

    private static string OwnGroup() => Lines("/proc/self/cgroup").FirstOrDefault(line => line.StartsWith("0::/", StringComparison.Ordinal))?[3..].TrimEnd('/') ?? "";

    private static long OfRuntime()
    {
        var info = GC.GetGCMemoryInfo();
        return Math.Max(info.TotalAvailableMemoryBytes - info.MemoryLoadBytes, 0);
    }

    private static long? Field(string file, string name)
    {
        var cells = Lines(file).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).FirstOrDefault(cells => cells.Length > 1 && cells[0] == name);
        return cells is not null && long.TryParse(cells[1], CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private static long? Number(string file) => long.TryParse(Lines(file).FirstOrDefault(), CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string[] Lines(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
