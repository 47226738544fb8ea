using System.Text;
using System.Text.Json;

namespace DiffSynthSharp.Tokenizers;

/// <summary>What a CLIP tokenizer's folder says: pieces, merge rules and special tokens.</summary>
/// <param name="Pieces">Ids by piece.</param>
/// <param name="Merges">Pairs of pieces, first rule first.</param>
/// <param name="Specials">Ids of the tokens that are recognised in a text as they stand.</param>
/// <param name="Begin">Stands before a prompt.</param>
/// <param name="End">Stands behind it.</param>
/// <param name="Pad">Fills the rest of a row.</param>
/// <param name="Unknown">Stands for what the vocabulary lacks.</param>
internal sealed record ClipVocabulary(
    Dictionary<string, int> Pieces, IReadOnlyList<(string First, string Second)> Merges, IReadOnlyDictionary<string, int> Specials,
    int Begin, int End, int Pad, int Unknown)
{
    private const string DefaultBegin = "<|startoftext|>", DefaultEnd = "<|endoftext|>";

    // OpenAI's vocabulary has 49152 - 256 - 2 rules; what follows in its file is not used.
    private const int MaxMerges = 49152 - 256 - 2;

    /// <summary>Whether a folder holds what <see cref="Load"/> reads.</summary>
    public static bool IsIn(string folder) => HasPair(folder) || File.Exists(Path.Combine(folder, "tokenizer.json"));

    /// <summary>Reads <c>vocab.json</c> and <c>merges.txt</c>, or <c>tokenizer.json</c> when those are missing.</summary>
    /// <param name="folder">Where the files are.</param>
    /// <param name="padding">The pad token, whatever the folder says; null keeps the folder's.</param>
    /// <exception cref="DiffSynthException">A file is missing or malformed.</exception>
    public static ClipVocabulary Load(string folder, string? padding = null)
    {
        if (!IsIn(folder)) throw new DiffSynthException($"'{folder}' holds no CLIP tokenizer: expected vocab.json and merges.txt, or tokenizer.json.");
        var (pieces, merges) = HasPair(folder)
            ? ReadPair(Path.Combine(folder, "vocab.json"), Path.Combine(folder, "merges.txt"))
            : ReadWhole(Path.Combine(folder, "tokenizer.json"));
        var config = ReadOptional(Path.Combine(folder, "tokenizer_config.json"));
        var map = ReadOptional(Path.Combine(folder, "special_tokens_map.json"));
        foreach (var (token, id) in AddedTokens(folder, config)) pieces.TryAdd(token, id);
        string? Named(string role) => (map is { } m ? VocabularyFile.TokenText(m, role) : null) ?? (config is { } c ? VocabularyFile.TokenText(c, role) : null);
        var (begin, end) = (Named("bos_token") ?? DefaultBegin, Named("eos_token") ?? DefaultEnd);
        string[] special = [begin, end, padding ?? Named("pad_token") ?? end, Named("unk_token") ?? end];
        int IdOf(string token, string role) => pieces.TryGetValue(token, out var id) ? id
            : throw new DiffSynthException(
                $"The tokenizer in '{folder}' names '{VocabularyFile.Shown(token)}' as its {role} token, which its vocabulary lacks.");
        var specials = special.Concat(AddedTokens(folder, config).Select(added => added.Token)).Distinct(StringComparer.Ordinal)
            .ToDictionary(token => token, token => IdOf(token, "special"), StringComparer.Ordinal);
        return new ClipVocabulary(pieces, merges, specials, IdOf(begin, "begin"), IdOf(end, "end"), IdOf(special[2], "pad"), IdOf(special[3], "unknown"));
    }

    private static bool HasPair(string folder) => File.Exists(Path.Combine(folder, "vocab.json")) && File.Exists(Path.Combine(folder, "merges.txt"));

    private static (Dictionary<string, int> Pieces, List<(string, string)> Merges) ReadPair(string vocabulary, string merges)
    {
        var pieces = VocabularyFile.Pieces(VocabularyFile.ReadObject(vocabulary), vocabulary);
        // The first line is a version; a file that was cut may end within a rule, which then is none.
        var lines = Encoding.UTF8.GetString(VocabularyFile.Read(merges)).Trim().Split('\n');
        return (pieces, [.. lines.Skip(1).Take(MaxMerges).Select(Pair).OfType<(string, string)>()]);
    }

    private static (Dictionary<string, int> Pieces, List<(string, string)> Merges) ReadWhole(string path)
    {
        var root = VocabularyFile.ReadObject(path);
        if (!root.TryGetProperty("model", out var model) || model.ValueKind != JsonValueKind.Object || !model.TryGetProperty("vocab", out var vocabulary)
            || !model.TryGetProperty("merges", out var merges) || merges.ValueKind != JsonValueKind.Array)
            throw new DiffSynthException($"'{path}' is no byte pair encoding: expected 'model' with 'vocab' and 'merges'.");
        var rules = merges.EnumerateArray().Take(MaxMerges).Select(rule => rule.ValueKind switch
        {
            JsonValueKind.String => Pair(rule.GetString()!),
            JsonValueKind.Array when rule.GetArrayLength() == 2 && rule[0].ValueKind == JsonValueKind.String && rule[1].ValueKind == JsonValueKind.String
                => (rule[0].GetString()!, rule[1].GetString()!),
            _ => throw new DiffSynthException($"'{path}' has a merge rule that is neither a text nor a pair of texts."),
        });
        return (VocabularyFile.Pieces(vocabulary, path), [.. rules.OfType<(string, string)>()]);
    }

    private static (string, string)? Pair(string line)
    {
        var parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == 2 ? (parts[0], parts[1]) : null;
    }

    private static JsonElement? ReadOptional(string path) => File.Exists(path) ? VocabularyFile.ReadObject(path) : null;

    // Tokens that were added to the published vocabulary: transformers has written them in two places.
    private static IEnumerable<(string Token, int Id)> AddedTokens(string folder, JsonElement? config)
    {
        if (ReadOptional(Path.Combine(folder, "added_tokens.json")) is { } added)
            foreach (var (token, id) in VocabularyFile.Pieces(added, Path.Combine(folder, "added_tokens.json"))) yield return (token, id);
        if (config is not { } root || !root.TryGetProperty("added_tokens_decoder", out var decoder) || decoder.ValueKind != JsonValueKind.Object) yield break;
        foreach (var entry in decoder.EnumerateObject())
            if (VocabularyFile.TokenText(decoder, entry.Name) is { } token && int.TryParse(entry.Name, out var id) && id is >= 0 and < VocabularyFile.MaxPieces)
                yield return (token, id);
    }
}
