using System.Text;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Cli.Output;

/// <summary>Names for the files of generated pictures.</summary>
internal static class PictureNames
{
    private const int LongestSlug = 40;

    /// <summary>Where a picture goes.</summary>
    /// <param name="output">What the user named: a file, a folder, or nothing.</param>
    /// <param name="prompt">Names the file when the user did not.</param>
    /// <param name="seed">The picture's seed.</param>
    /// <param name="isOneOfMany">Whether a named file's name needs the seed to tell pictures apart.</param>
    /// <returns>A named file as it is named, for it is to be replaced; else a name that no file has yet.</returns>
    public static string For(string? output, string prompt, long seed, bool isOneOfMany)
    {
        if (output is not null && !IsFolder(output))
            return isOneOfMany ? Path.ChangeExtension(output, null) + $"-{seed}{Path.GetExtension(output)}" : output;
        return Unused(Path.Combine(output ?? "", $"{Slug(prompt)}-{seed}"));
    }

    /// <summary>Where a picture goes that was made of another.</summary>
    /// <param name="output">As in <see cref="For"/>.</param>
    /// <param name="origin">The file of the other.</param>
    /// <param name="what">Follows the other's name when the user gave none.</param>
    public static string Derived(string? output, string origin, string what)
        => output is not null && !IsFolder(output) ? output : Unused(Path.Combine(output ?? "", $"{Path.GetFileNameWithoutExtension(origin)}-{what}"));

    /// <summary>What the user named, once it is certain that a picture can be written there.</summary>
    /// <exception cref="DiffSynthException">It names no picture format, or its folder is missing.</exception>
    public static string? Target(string? output)
    {
        if (output is null) return null;
        if (!IsFolder(output)) Picture.CheckFileName(output);
        return Path.GetDirectoryName(Path.GetFullPath(output)) is not { } folder || Directory.Exists(folder) ? output
            : throw new DiffSynthException($"'{output}' cannot be written: there is no folder '{folder}'.");
    }

    private static string Unused(string stem)
    {
        var path = $"{stem}.png";
        for (var number = 2; File.Exists(path); number++) path = $"{stem}-{number}.png";
        return path;
    }

    /// <summary>Whether a name that a user gave is to hold the pictures rather than to be one.</summary>
    public static bool IsFolder(string output) => Directory.Exists(output) || Path.EndsInDirectorySeparator(output);

    /// <summary>The prompt's letters and digits, words joined by hyphens.</summary>
    public static string Slug(string prompt)
    {
        var slug = new StringBuilder();
        foreach (var c in prompt.ToLowerInvariant())
        {
            if (char.IsLetterOrDigit(c)) slug.Append(c);
            else if (slug.Length > 0 && slug[^1] != '-') slug.Append('-');
            if (slug.Length == LongestSlug) break;
        }
        var trimmed = slug.ToString().Trim('-');
        return trimmed.Length == 0 ? "picture" : trimmed;
    }
}
