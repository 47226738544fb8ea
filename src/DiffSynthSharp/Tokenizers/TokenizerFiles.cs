using DiffSynthSharp.Tokenizers.SentencePiece;

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

    /// <summary>Where <see cref="TokenizerDownload"/> puts T5's vocabulary.</summary>
    public static string T5Cache => Path.Combine(CacheFolder, "tokenizers", "t5");

    /// <summary>The folder of a model's CLIP vocabulary: named by the user, beside the model, or in the cache, in this order.</summary>
    /// <param name="model">The model's folder, or its single file.</param>
    /// <param name="named">A folder that the user named: it, or its <c>clip</c> or <c>tokenizers/clip</c>, must hold the vocabulary.</param>
    /// <exception cref="DiffSynthException">There is none; the message says which files to put where.</exception>
    public static string FindClip(string model, string? named = null) => Find(Clip, model, named);

    /// <summary>The folder of the vocabulary of a model's CLIP-G: its own where there is one, else CLIP's, which has the same words.</summary>
    /// <param name="model">The model's folder, or its single file.</param>
    /// <param name="named">A folder that the user named; also its <c>clip-pad-zero</c> or <c>tokenizers/clip-pad-zero</c> may hold the vocabulary.</param>
    /// <remarks>Load it with <see cref="ClipTokenizer.PaddingOfClipG"/>.</remarks>
    /// <exception cref="DiffSynthException">There is none; the message says which files to put where.</exception>
    public static string FindClipG(string model, string? named = null)
        => Places(model, named, "clip-pad-zero", ["tokenizer_2"], null).Except(named is null ? [] : [named]).FirstOrDefault(ClipVocabulary.IsIn) ?? FindClip(model, named);

    /// <summary>The folder of a model's T5 vocabulary: named by the user, beside the model (<c>tokenizer_3</c>, <c>tokenizer_2</c>), or in the cache.</summary>
    /// <param name="model">The model's folder, or its single file.</param>
    /// <param name="named">A folder that the user named: it, or its <c>t5</c> or <c>tokenizers/t5</c>, must hold the vocabulary.</param>
    /// <exception cref="DiffSynthException">There is none; the message says which files to put where.</exception>
    public static string FindT5(string model, string? named = null) => Find(T5, model, named);

    /// <summary>CLIP's vocabulary, which CLIP-G has too.</summary>
    internal static VocabularyKind Clip { get; } = new("CLIP", "vocab.json and merges.txt", "clip", "clip-tokenizer", ClipVocabulary.IsIn, (model, named) => Places(model, named, "clip", ["tokenizer"], ClipCache))
    {
        Published = TokenizerDownload.Clip,
    };

    /// <summary>T5's vocabulary.</summary>
    internal static VocabularyKind T5 { get; } = new("T5", "spiece.model", "t5", "t5-tokenizer", UnigramFile.IsIn, (model, named) => Places(model, named, "t5", ["tokenizer_3", "tokenizer_2"], T5Cache))
    {
        Published = TokenizerDownload.T5,
    };

    private static string[] Places(string model, string? named, string kind, string[] own, string? cache)
    {
        if (named is not null) return [named, Path.Combine(named, kind), Path.Combine(named, "tokenizers", kind)];
        var beside = Directory.Exists(model) ? model : Path.GetDirectoryName(Path.GetFullPath(model))!;
        return [.. own.Append(Path.Combine("tokenizers", kind)).Append(kind).Select(folder => Path.Combine(beside, folder)), .. cache is null ? [] : new[] { cache }];
    }

    private static string Find(VocabularyKind kind, string model, string? named)
    {
        var places = kind.Places(model, named);
        if (places.FirstOrDefault(kind.IsIn) is { } found) return found;
        throw named is not null
            ? new DiffSynthException(
                $"'{named}' holds no {kind.Name} tokenizer: expected {kind.Files} (or tokenizer.json) in it, in its '{kind.Folder}' or in its 'tokenizers/{kind.Folder}'.")
            : new DiffSynthException(
                $"No {kind.Name} tokenizer was found for '{model}': put {kind.Files} into '{places[0]}' or name their folder with --tokenizers; "
                + $"'diffsynth models pull {kind.Pull}' fetches them into '{places[^1]}'. Looked in {string.Join(", ", places.Select(place => $"'{place}'"))}.");
    }
}
