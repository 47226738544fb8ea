using DiffSynthSharp.Tests;

namespace DiffSynthSharp.Fuzz;

/// <summary>The inputs that are kept with the sources: seed files, and what once was a bug.</summary>
public static class SeedCorpus
{
    /// <summary>A target's inputs with the names of their files, in a fixed order.</summary>
    public static IEnumerable<(string File, byte[] Input)> Of(FuzzTarget target)
    {
        var own = Path.Combine(Repository.Root, "tests", "DiffSynthSharp.Fuzz", "Corpus", target.Name);
        foreach (var file in FilesOf(own)) yield return (file, File.ReadAllBytes(file));
        foreach (var fixture in target.Fixtures)
            foreach (var file in FilesOf(Repository.Fixture(fixture)))
                if (new FileInfo(file).Length <= target.LongestInput * 2L && target.SeedOf(File.ReadAllBytes(file)) is { } seed) yield return (file, seed);
    }

    private static IEnumerable<string> FilesOf(string path)
        => File.Exists(path) ? [path] : Directory.Exists(path) ? Directory.GetFiles(path).Order(StringComparer.Ordinal) : [];
}
