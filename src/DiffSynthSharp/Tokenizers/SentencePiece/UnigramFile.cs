using System.Text;
using System.Text.Json;

namespace DiffSynthSharp.Tokenizers.SentencePiece;

/// <summary>A piece of a unigram vocabulary; its id is its place.</summary>
/// <param name="Text">The piece, with U+2581 for the space before a word.</param>
/// <param name="Score">Logarithm of its probability.</param>
/// <param name="IsSpecial">Whether it stands for something that is recognised in a text as it stands, before any normalising.</param>
internal readonly record struct UnigramPiece(string Text, double Score, bool IsSpecial);

/// <summary>A token that is recognised in a text as it stands.</summary>
/// <param name="Text">How it is written.</param>
/// <param name="Id">Its id.</param>
/// <param name="TakesLeft">Whether it swallows the white space before it.</param>
/// <param name="TakesRight">Whether it swallows the white space behind it.</param>
internal readonly record struct AddedToken(string Text, int Id, bool TakesLeft = false, bool TakesRight = false);

/// <summary>A unigram vocabulary as its file has it: <c>spiece.model</c>, or a <c>tokenizer.json</c> made from one.</summary>
/// <param name="Path">The file.</param>
/// <param name="Pieces">The pieces in the order of their ids.</param>
/// <param name="Unknown">The id of what no piece covers.</param>
/// <param name="Rules">The compiled normalisation, empty for none.</param>
/// <param name="Added">Tokens that the file itself adds (<c>tokenizer.json</c>).</param>
/// <remarks>google/sentencepiece, src/sentencepiece_model.proto; huggingface/tokenizers, models/unigram/serialization.rs.</remarks>
internal sealed record UnigramFile(string Path, IReadOnlyList<UnigramPiece> Pieces, int Unknown, ReadOnlyMemory<byte> Rules, IReadOnlyList<AddedToken> Added)
{
    private const string ModelName = "spiece.model", JsonName = "tokenizer.json";

    // The longest published piece has 48 letters (mT5).
    private const int MaxPieceLetters = 256;

    private const int UnigramKind = 1, UnknownPiece = 2, ControlPiece = 3, UserPiece = 4;

    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Whether a folder holds what <see cref="Read"/> reads. A <c>tokenizer.json</c> beside a <c>vocab.json</c> is a byte pair encoding's.</summary>
    public static bool IsIn(string folder) => File.Exists(System.IO.Path.Combine(folder, ModelName))
        || (File.Exists(System.IO.Path.Combine(folder, JsonName)) && !File.Exists(System.IO.Path.Combine(folder, "vocab.json")));

    /// <summary>Reads <c>spiece.model</c>, or <c>tokenizer.json</c> when that is missing.</summary>
    /// <exception cref="DiffSynthException">A file is missing or malformed, or of another kind of tokenizer.</exception>
    public static UnigramFile Read(string folder)
    {
        var (model, json) = (System.IO.Path.Combine(folder, ModelName), System.IO.Path.Combine(folder, JsonName));
        var file = File.Exists(model) ? ReadModel(model)
            : File.Exists(json) ? ReadJson(json)
            : throw new DiffSynthException($"'{folder}' holds no T5 tokenizer: expected {ModelName}, or {JsonName}.");
        return file.Checked();
    }

    private static UnigramFile ReadModel(string path)
    {
        var (pieces, unknown, kind) = (new List<UnigramPiece>(), -1, UnigramKind);
        var rules = ReadOnlyMemory<byte>.Empty;
        try
        {
            foreach (var field in ProtobufFields.Of(VocabularyFile.Read(path)))
                if (field.Number == 1) // SentencePiece
                {
                    var (piece, type) = PieceOf(field.Bytes);
                    if (type == UnknownPiece && unknown < 0) unknown = pieces.Count;
                    if (pieces.Count == VocabularyFile.MaxPieces) throw new InvalidDataException($"more than {VocabularyFile.MaxPieces:N0} pieces");
                    pieces.Add(piece);
                }
                else if (field.Number == 2) // TrainerSpec
                    kind = (int)ProtobufFields.Of(field.Bytes).LastOrDefault(part => part.Number == 3, new(3, UnigramKind, default)).Value;
                else if (field.Number == 3) // NormalizerSpec
                    rules = ProtobufFields.Of(field.Bytes).LastOrDefault(part => part.Number == 2).Bytes;
        }
        catch (Exception e) when (e is InvalidDataException or DecoderFallbackException)
        {
            throw new DiffSynthException($"'{path}' is no SentencePiece model: {e.Message}. Fetch it again.", e);
        }
        return kind == UnigramKind ? new(path, pieces, unknown, rules, [])
            : throw new DiffSynthException($"'{path}' is a SentencePiece model of kind {kind}; T5's is a unigram model ({UnigramKind}). It belongs to another tokenizer.");
    }

    private static (UnigramPiece Piece, int Type) PieceOf(ReadOnlyMemory<byte> message)
    {
        var (text, score, type) = ("", 0.0, 1);
        foreach (var field in ProtobufFields.Of(message))
            if (field.Number == 1) text = s_strict.GetString(field.Bytes.Span);
            else if (field.Number == 2) score = BitConverter.UInt32BitsToSingle((uint)field.Value);
            else if (field.Number == 3) type = (int)field.Value;
        return (new(text, score, type is UnknownPiece or ControlPiece or UserPiece), type);
    }

    private static UnigramFile ReadJson(string path)
    {
        var root = VocabularyFile.ReadObject(path);
        if (!root.TryGetProperty("model", out var model) || model.ValueKind != JsonValueKind.Object || VocabularyFile.TokenText(model, "type") != "Unigram"
            || !model.TryGetProperty("vocab", out var table) || table.ValueKind != JsonValueKind.Array || table.GetArrayLength() > VocabularyFile.MaxPieces)
            throw new DiffSynthException($"'{path}' is no unigram tokenizer: expected 'model' of type Unigram with a 'vocab' of pieces and scores.");
        var pieces = table.EnumerateArray().Select(entry =>
            entry.ValueKind == JsonValueKind.Array && entry.GetArrayLength() == 2 && entry[0].ValueKind == JsonValueKind.String && entry[1].ValueKind == JsonValueKind.Number
                ? new UnigramPiece(entry[0].GetString()!, entry[1].GetDouble(), false)
                : throw new DiffSynthException($"'{path}' has a piece that is no pair of text and score: {VocabularyFile.Shown(entry.GetRawText())}."));
        var unknown = model.TryGetProperty("unk_id", out var id) && id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var number) ? number : -1;
        return new(path, [.. pieces], unknown, root.TryGetProperty("normalizer", out var normalizer) ? RulesIn(normalizer, path) : default, [.. AddedIn(root)]);
    }

    // A normaliser is one step or a sequence of them; the compiled rules are one of the steps.
    private static ReadOnlyMemory<byte> RulesIn(JsonElement normalizer, string path)
    {
        if (normalizer.ValueKind != JsonValueKind.Object) return default;
        if (normalizer.TryGetProperty("precompiled_charsmap", out var map) && map.ValueKind == JsonValueKind.String)
            return map.TryGetBytesFromBase64(out var bytes) ? bytes : throw new DiffSynthException($"'{path}' has a precompiled_charsmap that is no base64 text.");
        if (!normalizer.TryGetProperty("normalizers", out var steps) || steps.ValueKind != JsonValueKind.Array) return default;
        return steps.EnumerateArray().Select(step => RulesIn(step, path)).FirstOrDefault(rules => !rules.IsEmpty);
    }

    private static IEnumerable<AddedToken> AddedIn(JsonElement root)
    {
        if (!root.TryGetProperty("added_tokens", out var added) || added.ValueKind != JsonValueKind.Array) yield break;
        foreach (var entry in added.EnumerateArray())
            if (entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out var number)
                && number is >= 0 and < VocabularyFile.MaxPieces && VocabularyFile.TokenText(entry, "content") is { } text)
                yield return Token(text, number, entry);
    }

    /// <summary>An added token with the flags of its JSON object.</summary>
    public static AddedToken Token(string text, int id, JsonElement entry)
    {
        bool Has(string flag) => entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty(flag, out var value) && value.ValueKind == JsonValueKind.True;
        return new(text, id, Has("lstrip"), Has("rstrip"));
    }

    private UnigramFile Checked()
    {
        if (Unknown < 0 || Unknown >= Pieces.Count) throw new DiffSynthException($"'{Path}' has {Pieces.Count} pieces and names none of them as the unknown one.");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var piece in Pieces)
        {
            if (piece.Text.Length is 0 or > MaxPieceLetters || !double.IsFinite(piece.Score))
                throw new DiffSynthException($"'{Path}' has the piece '{VocabularyFile.Shown(piece.Text)}' of {piece.Text.Length} letters and score {piece.Score}; expected 1 … {MaxPieceLetters} letters and a finite score.");
            if (!seen.Add(piece.Text)) throw new DiffSynthException($"'{Path}' has the piece '{VocabularyFile.Shown(piece.Text)}' twice.");
        }
        return this;
    }
}
