using System.Text;

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
        var stem = Path.Combine(output ?? "", $"{Slug(prompt)}-{seed}");
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
