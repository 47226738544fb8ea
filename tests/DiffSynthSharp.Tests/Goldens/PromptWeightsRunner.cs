using System.Text.Json;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Prompts;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Every recorded row of A1111's prompt syntax and of DiffSynth's keywords, and how weights act on encoded text.</summary>
internal sealed class PromptWeightsRunner : IGoldenRunner
{
    public string Kind => "prompt-weights";

    public void Run(GoldenCase @case)
    {
        if (@case.FilePath.EndsWith(".safetensors", StringComparison.Ordinal))
        {
            Emphasis(@case);
            return;
        }
        using var document = JsonDocument.Parse(File.ReadAllBytes(@case.FilePath));
        var problems = document.RootElement.GetProperty("rows").EnumerateArray().Select(row => Problem(@case, row)).OfType<string>().ToList();
        Assert.True(problems.Count == 0, $"{problems.Count} rows differ:\n{string.Join('\n', problems.Take(20))}");
    }

    private static void Emphasis(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        foreach (var name in tensors.Outputs)
        {
            var mean = name == "out.original" ? EmphasisMean.Restored : name == "out.no-norm" ? EmphasisMean.Kept
                : throw new NotSupportedException($"The golden has an output '{name}' that no one checks.");
            GoldenAssert.Close(name, PromptEmphasis.Apply(tensors["in.z"], tensors["in.multipliers"], mean), tensors[name], @case.Tolerance);
        }
    }

    private static string? Problem(GoldenCase @case, JsonElement row)
    {
        var text = row.GetProperty("text").GetString()!;
        var found = @case.Name switch
        {
            "attention" => Attention(text, row, @case.Tolerance),
            "editing" => Editing(text, row),
            "and" => Composition(text, row),
            "networks" => Networks(text, row),
            "textual-inversion" => Keywords(text, row),
            _ => throw new NotSupportedException($"The golden has a file '{@case.Name}' that no one checks."),
        };
        return found is null ? null : $"{row.GetRawText()}: {found}";
    }

    private static string? Attention(string text, JsonElement row, double tolerance)
    {
        var pieces = AttentionParser.Parse(text);
        if (!row.TryGetProperty("attention", out var attention)) return row.TryGetProperty("error", out _) ? null : "neither weights nor an error recorded";
        var recorded = attention.EnumerateArray().Select(pair => (Text: pair[0].GetString()!, Weight: pair[1].GetDouble())).ToList();
        var same = pieces.Count == recorded.Count && pieces.Zip(recorded).All(pair => pair.First.Text == pair.Second.Text
            && Math.Abs(pair.First.Weight - pair.Second.Weight) <= tolerance * Math.Max(1, Math.Abs(pair.Second.Weight)));
        return same ? null : string.Join(", ", pieces);
    }

    private static string? Editing(string text, JsonElement row)
    {
        int? hires = row.TryGetProperty("hires_steps", out var second) && second.ValueKind == JsonValueKind.Number ? second.GetInt32() : null;
        var isOld = row.TryGetProperty("old", out var old) && old.GetBoolean();
        var steps = row.GetProperty("steps").GetInt32();
        var timeline = hires is { } count && !isOld ? new EditTimeline(count, steps, 1) : new EditTimeline(steps, BelowOneIsFraction: isOld);
        var schedule = PromptEditing.Schedule(text, timeline);
        var recorded = row.GetProperty(hires is null ? "schedule" : "hires_schedule").EnumerateArray().Select(pair => (pair[0].GetInt32(), pair[1].GetString()!));
        return schedule.SequenceEqual(recorded) ? null : string.Join(", ", schedule);
    }

    private static string? Composition(string text, JsonElement row)
    {
        var parts = PromptComposition.Split(text);
        var recorded = row.GetProperty("parts").EnumerateArray().Select(pair => (pair[0].GetString()!, pair[1].GetDouble()));
        return parts.SequenceEqual(recorded) ? null : string.Join(", ", parts);
    }

    private static string? Networks(string text, JsonElement row)
    {
        var (prompt, tags) = NetworkTags.Extract(text);
        if (prompt != row.GetProperty("prompt").GetString()) return $"prompt '{prompt}'";
        // The reference keeps the tags by kind.
        var written = tags.GroupBy(tag => tag.Kind).SelectMany(kind => kind).Select(tag => $"{tag.Kind} {Listed(tag.Positional)} {Listed(tag.Named)}");
        var recorded = row.GetProperty("networks").EnumerateArray().Select(pair => $"{pair[0].GetString()} "
            + $"{Listed(pair[1].GetProperty("positional").Deserialize<string[]>()!)} {Listed(pair[1].GetProperty("named").Deserialize<Dictionary<string, string>>()!)}");
        if (!written.SequenceEqual(recorded)) return string.Join(", ", written);
        var loras = tags.Where(tag => tag.Kind == "lora").Zip(row.GetProperty("lora").EnumerateArray()).ToList();
        if (loras.Count != row.GetProperty("lora").GetArrayLength()) return $"{loras.Count} loras";
        return loras.Select(pair => Strengths(pair.First, pair.Second)).OfType<string>().FirstOrDefault();
    }

    private static string? Strengths(NetworkTag tag, JsonElement recorded)
    {
        if (tag.Name != recorded.GetProperty("name").GetString()) return $"name '{tag.Name}'";
        try
        {
            var (text, unet) = tag.Strengths();
            if (recorded.TryGetProperty("error", out _)) return $"strengths {text}, {unet} instead of an error";
            return (text, unet) == (recorded.GetProperty("text_encoder").GetDouble(), recorded.GetProperty("unet").GetDouble()) ? null : $"strengths {text}, {unet}";
        }
        catch (DiffSynthException e)
        {
            return recorded.TryGetProperty("error", out _) ? null : e.Message;
        }
    }

    private static string? Keywords(string text, JsonElement row)
    {
        var keywords = row.GetProperty("keywords").EnumerateObject().Select(pair => (pair.Name, pair.Value.GetInt32())).ToList();
        var expanded = EmbeddingKeywords.Expand(text, keywords);
        return expanded == row.GetProperty("expanded").GetString() ? null : $"'{expanded}'";
    }

    private static string Listed(IEnumerable<string> values) => $"[{string.Join('|', values)}]";

    private static string Listed(IEnumerable<KeyValuePair<string, string>> values)
        => $"[{string.Join('|', values.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"))}]";
}
