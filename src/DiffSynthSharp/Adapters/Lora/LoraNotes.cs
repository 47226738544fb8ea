using System.Text.Json;

namespace DiffSynthSharp;

/// <summary>What an adapter's header tells people.</summary>
/// <param name="TriggerWords">Words that call for what was trained: the file's own phrase, else its commonest training tags; empty when it has neither.</param>
/// <param name="Title">The adapter's name.</param>
/// <param name="BaseModel">The model it was trained on.</param>
/// <param name="Architecture">The kind of model that it says it is for.</param>
/// <param name="Comment">What the trainer wrote about it.</param>
/// <remarks>Keys: kohya-ss/sd-scripts library/train_util.py (<c>ss_…</c>) and library/sai_model_spec.py (<c>modelspec.…</c>).</remarks>
public sealed record LoraNotes(IReadOnlyList<string> TriggerWords, string? Title, string? BaseModel, string? Architecture, string? Comment)
{
    private const int Tags = 10;

    /// <summary>Reads a header's notes; what is malformed counts as absent.</summary>
    internal static LoraNotes Of(IReadOnlyDictionary<string, string> metadata)
    {
        // kohya writes None for what it doesn't know.
        string? First(params string[] keys) => keys.Select(key => metadata.GetValueOrDefault(key)).FirstOrDefault(text => !string.IsNullOrWhiteSpace(text) && text != "None");
        return new(
            First("modelspec.trigger_phrase") is { } phrase ? [phrase] : CommonestTags(First("ss_tag_frequency")),
            First("modelspec.title", "ss_output_name"),
            First("ss_sd_model_name", "ss_base_model_version"),
            First("modelspec.architecture", "ss_base_model_version"),
            First("ss_training_comment", "modelspec.description"));
    }

    // {"folder": {"tag": count, …}, …}
    private static IReadOnlyList<string> CommonestTags(string? frequencies)
    {
        if (frequencies is null) return [];
        try
        {
            using var json = JsonDocument.Parse(frequencies);
            if (json.RootElement.ValueKind != JsonValueKind.Object) return [];
            var counts = from folder in json.RootElement.EnumerateObject()
                         where folder.Value.ValueKind == JsonValueKind.Object
                         from tag in folder.Value.EnumerateObject()
                         where tag.Value.ValueKind == JsonValueKind.Number
                         group tag.Value.GetDouble() by tag.Name.Trim();
            return [.. counts.OrderByDescending(tag => tag.Sum()).ThenBy(tag => tag.Key, StringComparer.Ordinal).Take(Tags).Select(tag => tag.Key)];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter for half a surrogate pair
        {
            return [];
        }
    }
}
