using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Generation;

/// <summary>The note in a merged model's header that says what was merged: file, scale and modules of each LoRA, the earliest first.</summary>
internal static class MergeNote
{
    /// <summary>The note's name.</summary>
    public const string Key = "diffsynth_merged_loras";

    private static readonly JsonSerializerOptions s_plainText = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What a merge adds.</summary>
    public static IReadOnlyList<JsonObject> Of(IEnumerable<LoraLedger> loras)
        => [.. loras.Select(lora => new JsonObject { ["file"] = Path.GetFileName(lora.Path), ["scale"] = lora.Scale, ["modules"] = lora.Matched.Count })];

    /// <summary>A file's notes with this note added to one of an earlier merge.</summary>
    public static Dictionary<string, string> AddTo(IReadOnlyDictionary<string, string> notes, IEnumerable<JsonObject> merged)
    {
        var all = SafetensorsTarget.Notes(notes);
        var list = Earlier(all.GetValueOrDefault(Key));
        foreach (var lora in merged) list.Add(lora.DeepClone());
        all[Key] = list.ToJsonString(s_plainText);
        return all;
    }

    private static JsonArray Earlier(string? note)
    {
        try
        {
            return note is not null && JsonNode.Parse(note) is JsonArray list ? list : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
