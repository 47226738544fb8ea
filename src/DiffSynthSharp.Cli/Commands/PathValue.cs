namespace DiffSynthSharp.Cli.Commands;

/// <summary>Values that begin with a file's path and go on behind a colon.</summary>
internal static class PathValue
{
    /// <summary>Splits at the first colon that is not a drive's (C:\…).</summary>
    /// <returns>The path, and what follows the colon; null when there is none.</returns>
    public static (string Path, string? Tail) Split(string value)
    {
        var isDrive = value.Length > 2 && char.IsAsciiLetter(value[0]) && value[1] == ':' && value[2] is '\\' or '/';
        var at = value.IndexOf(':', isDrive ? 2 : 0);
        return at < 0 ? (value, null) : (value[..at], value[(at + 1)..]);
    }
}
