namespace DiffSynthSharp.Weights;

/// <summary>A safetensors file that a user asks for.</summary>
internal static class SafetensorsTarget
{
    // They speak of the bytes that a file had, so no changed file may carry them on.
    private static readonly string[] s_hashes = ["sshs_model_hash", "sshs_legacy_hash", "modelspec.hash_sha256"];

    /// <summary>Makes sure that a file can be written there without harming what it is made from.</summary>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="sources">Files it is made from.</param>
    /// <exception cref="DiffSynthException">The name has another ending, is a folder's, or is one of the sources'.</exception>
    public static void Check(string path, IEnumerable<string> sources)
    {
        if (!path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)) throw new DiffSynthException($"'{path}' can't be written: expected a name that ends in .safetensors.");
        if (Directory.Exists(path)) throw new DiffSynthException($"'{path}' can't be written: it is a folder. Name a file inside it.");
        if (sources.Any(source => Path.GetFullPath(source) == Path.GetFullPath(path)))
            throw new DiffSynthException($"'{path}' can't be written: it is read at the same time. Choose another name.");
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder)) throw new DiffSynthException($"'{path}' cannot be written: there is no folder '{folder}'.");
    }

    /// <summary>A file's notes as a file made from it carries them on: all but hashes of the old bytes, and with the mark that PyTorch's readers look for.</summary>
    public static Dictionary<string, string> Notes(IReadOnlyDictionary<string, string> notes)
    {
        var kept = notes.Where(note => !s_hashes.Contains(note.Key)).ToDictionary(note => note.Key, note => note.Value);
        kept.TryAdd("format", "pt");
        return kept;
    }
}
