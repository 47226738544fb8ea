using System.Text.Json;
using System.Text.RegularExpressions;

namespace DiffSynthSharp.Weights;

/// <summary>The index of a checkpoint that is spread over several files: which file holds which tensor.</summary>
/// <remarks>Format: <c>model.safetensors.index.json</c> of Hugging Face (huggingface/transformers, src/transformers/utils/hub.py,
/// <c>get_checkpoint_shard_files</c>).</remarks>
internal static partial class ShardIndex
{
    private const int MaxBytes = 64 << 20;
    private const int MaxShards = 1000;

    /// <summary>Reads an index.</summary>
    /// <param name="path">The JSON file.</param>
    /// <returns>Tensor names and, for each, the full path of its file, which lies in the index's own folder.</returns>
    /// <exception cref="DiffSynthException">The index is malformed or points out of its folder.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        if (!File.Exists(path)) throw new DiffSynthException($"There is no file '{path}'.");
        if (new FileInfo(path).Length > MaxBytes) throw Malformed(path, $"it is larger than {MaxBytes} bytes");
        try
        {
            return Parse(File.ReadAllBytes(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DiffSynthException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads an index that is in memory.</summary>
    /// <param name="content">The file's bytes.</param>
    /// <param name="path">Where it lies; its files are beside it.</param>
    /// <exception cref="DiffSynthException">As for <see cref="Read"/>.</exception>
    public static IReadOnlyDictionary<string, string> Parse(ReadOnlyMemory<byte> content, string path)
    {
        try
        {
            using var json = JsonDocument.Parse(content);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("weight_map", out var map)
                || map.ValueKind != JsonValueKind.Object)
                throw Malformed(path, "it has no object 'weight_map'");
            return Files(path, map);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Malformed(path, "it is not JSON text", e);
        }
    }

    /// <summary>Where the index of a file such as <c>model-00001-of-00002.safetensors</c> may lie, likeliest last; nothing when the name isn't that of a
    /// part.</summary>
    /// <remarks>Of <c>model.fp16-00001-of-00002.safetensors</c> it is <c>model.safetensors.index.fp16.json</c> (huggingface/diffusers,
    /// <c>_add_variant</c>).</remarks>
    public static IEnumerable<string> OfPart(string path)
    {
        if (Part().Match(path) is not { Success: true } match) yield break;
        string stem = path[..match.Index], extension = match.Groups["extension"].Value, variant = Path.GetExtension(stem);
        if (variant.Length > 1) yield return $"{stem[..^variant.Length]}{extension}.index{variant}.json";
        yield return $"{stem}{extension}.index.json";
    }

    private static DiffSynthException Malformed(string path, string what, Exception? inner = null) =>
        new($"'{path}' is no valid index of a sharded checkpoint: {OneLine.Of(what)}.", inner);

    private static Dictionary<string, string> Files(string path, JsonElement map)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var shards = new Dictionary<string, string>();
        var files = new Dictionary<string, string>();
        foreach (var item in map.EnumerateObject())
        {
            if (item.Value.ValueKind != JsonValueKind.String) throw Malformed(path, $"the file of '{item.Name}' is not text");
            var file = item.Value.GetString()!;
            if (!shards.ContainsKey(file))
            {
                if (file is "" or "." or ".." || file.AsSpan().IndexOfAny("/\\:\0") >= 0)
                    throw Malformed(path, $"the file '{file}' of '{item.Name}' is not a plain name in the index's own folder");
                if (shards.Count == MaxShards) throw Malformed(path, $"it names more than {MaxShards} files");
                shards[file] = Path.Combine(folder, file);
            }
            if (!files.TryAdd(item.Name, shards[file])) throw Malformed(path, $"it lists '{item.Name}' twice");
        }
        return files.Count > 0 ? files : throw Malformed(path, "its 'weight_map' is empty");
    }

    [GeneratedRegex(@"-[0-9]{5}-of-(?!00001)[0-9]{5}(?<extension>\.safetensors|\.bin)$", RegexOptions.IgnoreCase)]
    private static partial Regex Part();
}
