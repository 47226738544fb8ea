using System.Text.Json;
using System.Text.RegularExpressions;
using DiffSynthSharp.Tokenizers.SentencePiece;

namespace DiffSynthSharp.Tokenizers;

/// <summary>T5's tokenizer: SentencePiece's unigram model behind its own normalisation, and a hundred sentinels.</summary>
/// <remarks>
/// Gives the ids of transformers' T5TokenizerFast (transformers 4.51, models/t5/tokenization_t5_fast.py, convert_slow_tokenizer.py), with which the
/// published pipelines encode. The search and the normalisation are written here rather than taken from Microsoft.ML.Tokenizers: that one
/// reads no <c>tokenizer.json</c> and needs Google.Protobuf, which is not shipped; and SentencePiece's own normalisation, which it follows, gives
/// other ids than the fast tokenizer's for 2 of the 210 recorded prompts. Thread safe.
/// </remarks>
public sealed partial class T5Tokenizer
{
    /// <summary>The longest prompt that is read, in characters.</summary>
    public const int MaxCharacters = ClipTokenizer.MaxCharacters;

    private const char WordStart = '\u2581';
    private const int MostSentinels = 1000, PublishedSentinels = 100;

    private readonly UnigramModel _model;
    private readonly NormalizationRules _rules;
    private readonly IReadOnlyList<AddedToken> _added;

    private T5Tokenizer(UnigramModel model, NormalizationRules rules, IReadOnlyList<AddedToken> added) => (_model, _rules, _added) = (model, rules, added);

    /// <summary>The id that stands behind a prompt.</summary>
    public int EndId { get; private init; }

    /// <summary>The id that fills the rest of a row.</summary>
    public int PadId { get; private init; }

    /// <summary>The id of what the vocabulary lacks.</summary>
    public int UnknownId { get; private init; }

    /// <summary>One more than the largest id: how many rows a text encoder's table must have.</summary>
    public int VocabularySize { get; private init; }

    /// <summary>Reads a tokenizer's folder.</summary>
    /// <param name="folder">Holds <c>spiece.model</c> (or <c>tokenizer.json</c>); <c>tokenizer_config.json</c> says more about the sentinels when it is there.</param>
    /// <exception cref="DiffSynthException">A file is missing or malformed.</exception>
    public static T5Tokenizer Load(string folder)
    {
        var file = UnigramFile.Read(folder);
        var path = Path.Combine(folder, "tokenizer_config.json");
        JsonElement? config = File.Exists(path) ? VocabularyFile.ReadObject(path) : null;
        IReadOnlyList<UnigramPiece> pieces = [.. file.Pieces, .. Sentinels(file, config)];
        var added = Added(file, pieces, config);
        int IdOf(string piece, string role)
        {
            for (var id = 0; id < pieces.Count; id++)
                if (pieces[id].Text == piece) return id;
            throw new DiffSynthException($"'{file.Path}' lacks '{piece}', T5's {role} token: it belongs to another tokenizer.");
        }

        try
        {
            return new(new UnigramModel(pieces, file.Unknown), new NormalizationRules(file.Rules), added)
            {
                EndId = IdOf("</s>", "end"),
                PadId = IdOf("<pad>", "padding"),
                UnknownId = file.Unknown,
                VocabularySize = added.Select(token => token.Id + 1).Append(pieces.Count).Max(),
            };
        }
        catch (InvalidDataException e)
        {
            throw new DiffSynthException($"'{file.Path}' is damaged: {e.Message}. Fetch it again.", e);
        }
    }

    /// <summary>The ids of a text, without the end token.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="continuesWord">Whether it goes on with the word that another text ended with, instead of beginning one.</param>
    /// <exception cref="DiffSynthException">The text is longer than <see cref="MaxCharacters"/>.</exception>
    public IReadOnlyList<int> Encode(string text, bool continuesWord = false)
    {
        if (text.Length > MaxCharacters)
            throw new DiffSynthException($"The prompt has {text.Length:N0} characters; at most {MaxCharacters:N0} are read.");
        var ids = new List<int>();
        var clean = string.Concat(text.EnumerateRunes().Select(rune => rune.ToString())); // a lone surrogate becomes U+FFFD
        var start = 0;
        for (var i = 0; i < clean.Length;)
        {
            if (AddedAt(clean, i) is not { } token)
            {
                i++;
                continue;
            }
            var part = clean[start..i];
            AddWords(token.TakesLeft ? part.TrimEnd() : part, continuesWord && start == 0, ids);
            ids.Add(token.Id);
            i += token.Text.Length;
            while (token.TakesRight && i < clean.Length && char.IsWhiteSpace(clean[i])) i++;
            start = i;
        }
        AddWords(clean[start..], continuesWord && start == 0, ids);
        return ids;
    }

    /// <summary>A prompt as one row: what does not fit before the end token is cut off, and counted.</summary>
    /// <param name="text">The prompt.</param>
    /// <param name="length">Tokens in the row, the end token among them; at least 1.</param>
    /// <exception cref="DiffSynthException">The prompt is longer than <see cref="MaxCharacters"/>.</exception>
    public T5Row Row(string text, int length) => Row(Encode(text), length);

    /// <summary>Ids of a prompt as one row.</summary>
    /// <param name="ids">Without the end token.</param>
    /// <param name="length">Tokens in the row, the end token among them; at least 1.</param>
    public T5Row Row(IReadOnlyList<int> ids, int length)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        int[] row = [.. ids.Take(length - 1), EndId];
        return new([.. row, .. Enumerable.Repeat(PadId, length - row.Length)], Math.Max(0, ids.Count - (length - 1)));
    }

    private AddedToken? AddedAt(string text, int at)
    {
        AddedToken? longest = null;
        foreach (var token in _added)
            if (text[at] == token.Text[0] && token.Text.Length > (longest?.Text.Length ?? 0) && string.CompareOrdinal(text, at, token.Text, 0, token.Text.Length) == 0) longest = token;
        return longest;
    }

    // Every word takes the sign of the space before it along, and so does the first, unless it goes on with a word.
    private void AddWords(string part, bool continuesWord, List<int> ids)
    {
        var normal = Spaces().Replace(_rules.Apply(part).TrimEnd(), WordStart.ToString()).Replace(' ', WordStart);
        if (normal.Length == 0) return;
        if (!continuesWord && normal[0] != WordStart) normal = WordStart + normal;
        for (var start = 0; start < normal.Length;)
        {
            var next = normal.IndexOf(WordStart, start + 1);
            var end = next < 0 ? normal.Length : next;
            _model.Encode(normal.AsSpan(start, end - start), ids);
            start = end;
        }
    }

    // T5's sentinels follow the model's pieces, the last one first; mT5's model holds its own.
    private static IEnumerable<UnigramPiece> Sentinels(UnigramFile file, JsonElement? config)
    {
        var count = config is { } root && root.TryGetProperty("extra_ids", out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number)
            ? Math.Clamp(number, 0, MostSentinels) : PublishedSentinels;
        return file.Pieces.Any(piece => piece.Text == "<extra_id_0>") ? []
            : Enumerable.Range(0, count).Select(i => new UnigramPiece($"<extra_id_{count - 1 - i}>", 0, true));
    }

    // A configuration or a tokenizer.json knows which tokens swallow white space; without either they are known by their pieces.
    private static List<AddedToken> Added(UnigramFile file, IReadOnlyList<UnigramPiece> pieces, JsonElement? config)
    {
        var tokens = pieces.Index().Where(piece => piece.Item.IsSpecial).ToDictionary(piece => piece.Item.Text, piece => new AddedToken(piece.Item.Text, piece.Index), StringComparer.Ordinal);
        foreach (var token in file.Added) tokens[token.Text] = token;
        if (config is { } root && root.TryGetProperty("added_tokens_decoder", out var decoder) && decoder.ValueKind == JsonValueKind.Object)
            foreach (var entry in decoder.EnumerateObject())
                if (VocabularyFile.TokenText(decoder, entry.Name) is { } text && int.TryParse(entry.Name, out var id) && id is >= 0 and < VocabularyFile.MaxPieces)
                    tokens[text] = UnigramFile.Token(text, id, entry.Value);
        return [.. tokens.Values];
    }

    [GeneratedRegex(" {2,}")]
    private static partial Regex Spaces();
}
