using System.Text.Json;
using System.Text.RegularExpressions;
using DiffSynthSharp.Runtime;

namespace DiffSynthSharp.Weights;

/// <summary>A small JSON file of a model folder, such as <c>config.json</c>.</summary>
internal sealed partial class ConfigFile
{
    private const long LargestBytes = 4 << 20;
    private readonly JsonElement _root;

    private ConfigFile(string path, JsonElement root) => (Path, _root) = (path, root);

    public string Path { get; }

    public JsonElement Root => _root;

    /// <summary>Reads a file that may be absent.</summary>
    /// <exception cref="DiffSynthException">It is there but too large or no JSON object.</exception>
    public static ConfigFile? TryRead(string path)
    {
        if (!File.Exists(path)) return null;
        if (new FileInfo(path).Length > LargestBytes)
            throw new DiffSynthException($"'{path}' is {new FileInfo(path).Length} bytes, more than a configuration holds ({LargestBytes}).");
        return Parse(File.ReadAllText(path), path);
    }

    /// <summary>Reads a file's text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="path">What errors call the file.</param>
    /// <exception cref="DiffSynthException">It is no JSON object.</exception>
    public static ConfigFile Parse(string text, string path)
    {
        try
        {
            using var document = JsonDocument.Parse(QuoteInfinities(text), new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            JsonText.Check(document.RootElement);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return new ConfigFile(path, document.RootElement.Clone());
        }
        catch (JsonException e)
        {
            throw new DiffSynthException($"'{path}' is not valid JSON: {e.Message}", e);
        }
        throw new DiffSynthException($"'{path}' should hold a JSON object.");
    }

    // Python writes infinite numbers bare, which JSON forbids: "lambda_min_clipped": -Infinity.
    private static string QuoteInfinities(string text) => BareInfinity().Replace(text, "\"$1\"");

    [GeneratedRegex(@"(?<=:\s*)(-?Infinity|NaN)(?=\s*[,}])")]
    private static partial Regex BareInfinity();

    public string? Text(string name) => Find(name, JsonValueKind.String) is { } value ? value.GetString() : null;

    /// <summary>A whole number; of a list, the first.</summary>
    public long? Whole(string name)
    {
        if (!_root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0) value = value[0];
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : throw Unfit(name, "a whole number");
    }

    public double? Number(string name) => Find(name, JsonValueKind.Number) is { } value ? value.GetDouble() : null;

    private JsonElement? Find(string name, JsonValueKind kind)
        => !_root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
            : value.ValueKind == kind ? value : throw Unfit(name, kind.ToString().ToLowerInvariant());

    private DiffSynthException Unfit(string name, string expected)
        => new($"'{Path}': '{name}' is {_root.GetProperty(name).GetRawText()}, expected {expected}.");
}
