namespace DiffSynthSharp.Tests.Memory;

/// <summary>What Linux says about a file that is mapped into this process.</summary>
internal static class MappedFile
{
    /// <summary>Bytes of the file's mappings that are in resident memory; -1 when it isn't mapped.</summary>
    public static long ResidentBytes(string path)
    {
        var (bytes, inside) = (-1L, false);
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            if (char.IsAsciiHexDigitLower(line[0])) inside = line.EndsWith(path, StringComparison.Ordinal);
            else if (inside && line.StartsWith("Rss:", StringComparison.Ordinal))
                bytes = Math.Max(bytes, 0) + 1024 * long.Parse(line["Rss:".Length..^"kB".Length].Trim(), System.Globalization.CultureInfo.InvariantCulture);
        }
        return bytes;
    }
}
