namespace DiffSynthSharp.Tokenizers;

/// <summary>Where vocabularies are looked for.</summary>
public static class TokenizerFiles
{
    /// <summary>What is fetched once and kept: <c>$DIFFSYNTH_HOME</c>, else <c>%LOCALAPPDATA%\diffsynth</c> or <c>~/.cache/diffsynth</c>.</summary>
    public static string CacheFolder
    {
        get
        {
            if (Environment.GetEnvironmentVariable("DIFFSYNTH_HOME") is { Length: > 0 } home) return Path.GetFullPath(home);
            if (OperatingSystem.IsWindows()) return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "diffsynth");
            var caches = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (string.IsNullOrEmpty(caches)) caches = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
            return Path.Combine(caches, "diffsynth");
        }
    }

    /// <summary>Where <see cref="TokenizerDownload"/> puts CLIP's vocabulary.</summary>
    public static string ClipCache => Path.Combine(CacheFolder, "tokenizers", "clip");

    /// <summary>The folder of a model's CLIP vocabulary: named by the user, beside the model, or in the cache, in this order.</summary>
    /// <param name="model">The model's folder, or its single file.</param>
    /// <param name="named">A folder that the user named: it, or its <c>clip</c> or <c>tokenizers/clip</c>, must hold the vocabulary.</param>
    /// <exception cref="DiffSynthException">There is none; the message says which files to put where.</exception>
    public static string FindClip(string model, string? named = null)
    {
        var beside = Directory.Exists(model) ? model : Path.GetDirectoryName(Path.GetFullPath(model))!;
        string[] places = named is not null
            ? [named, Path.Combine(named, "clip"), Path.Combine(named, "tokenizers", "clip")]
            : [Path.Combine(beside, "tokenizer"), Path.Combine(beside, "tokenizers", "clip"), Path.Combine(beside, "clip"), ClipCache];
        if (places.FirstOrDefault(ClipVocabulary.IsIn) is { } found) return found;
        throw named is not null
            ? new DiffSynthException(
                $"'{named}' holds no CLIP tokenizer: expected vocab.json and merges.txt (or tokenizer.json) in it, in its 'clip' or in its 'tokenizers/clip'.")
            : new DiffSynthException(
                $"No CLIP tokenizer was found for '{model}': put vocab.json and merges.txt into '{places[0]}' or name their folder with --tokenizers; "
                + $"'diffsynth models pull clip-tokenizer' fetches them into '{ClipCache}'.");
    }
}
