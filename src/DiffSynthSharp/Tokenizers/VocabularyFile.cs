using System.Text.Json;
using DiffSynthSharp.Runtime;

namespace DiffSynthSharp.Tokenizers;

/// <summary>Reads the JSON and text files of a tokenizer; what is in them is not trusted.</summary>
internal static class VocabularyFile
{
    /// <summary>No published tokenizer comes near: the largest file known has 9 MB.</summary>
    public const int MaxBytes = 32 << 20;

    /// <summary>Far above every published vocabulary (256,000 pieces).</summary>
    public const int MaxPieces = 1 << 20;

    /// <summary>The bytes of a file of a bounded size.</summary>
    /// <exception cref="DiffSynthException">It cannot be read or is too large.</exception>
    public static byte[] Read(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > MaxBytes)
                throw new DiffSynthException($"'{path}' has {stream.Length:N0} bytes; a tokenizer file has at most {MaxBytes:N0}. Is it the right file?");
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DiffSynthException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A file's JSON object.</summary>
    /// <exception cref="DiffSynthException">The file is not JSON, or its value is not an object, or a name stands twice.</exception>
    public static JsonElement ReadObject(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(Read(path), new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false });
            JsonText.Check(document.RootElement);
            var kind = document.RootElement.ValueKind;
            return kind == JsonValueKind.Object ? document.RootElement.Clone()
                : throw new DiffSynthException($"'{path}' holds a JSON {kind.ToString().ToLowerInvariant()} where an object was expected.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter from half a surrogate pair in a name
        {
            throw new DiffSynthException($"'{path}' is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>An object's pieces and their ids.</summary>
    /// <exception cref="DiffSynthException">An id is no number of the range a vocabulary may have, or stands twice.</exception>
    public static Dictionary<string, int> Pieces(JsonElement table, string path)
    {
        if (table.ValueKind != JsonValueKind.Object) throw new DiffSynthException($"The vocabulary of '{path}' is not an object of pieces and ids.");
        var pieces = new Dictionary<string, int>(StringComparer.Ordinal);
        var owners = new Dictionary<int, string>();
        foreach (var piece in table.EnumerateObject())
        {
            if (piece.Value.ValueKind != JsonValueKind.Number || !piece.Value.TryGetInt32(out var id) || id is < 0 or >= MaxPieces)
                throw new DiffSynthException($"'{path}' gives the piece '{Shown(piece.Name)}' the id {Shown(piece.Value.GetRawText())}; "
                    + $"expected a whole number from 0 to {MaxPieces - 1}.");
            if (!owners.TryAdd(id, piece.Name))
                throw new DiffSynthException($"'{path}' gives the id {id} to both '{Shown(owners[id])}' and '{Shown(piece.Name)}'.");
            pieces[piece.Name] = id;
        }
        return pieces;
    }

    /// <summary>A token's text, which stands alone or as the <c>content</c> of an object.</summary>
    public static string? TokenText(JsonElement parent, string name)
    {
        if (!parent.TryGetProperty(name, out var value)) return null;
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("content", out var content)) value = content;
        return value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= 256 } text ? text : null;
    }

    /// <summary>A piece cut to what an error message can hold.</summary>
    public static string Shown(string text) => text.Length <= 40 ? text : $"{text[..40]}…";
}
