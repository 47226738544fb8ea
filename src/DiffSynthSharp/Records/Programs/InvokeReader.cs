using System.Text;
using System.Text.Json;

namespace DiffSynthSharp.Records.Programs;

/// <summary>What InvokeAI says of a picture.</summary>
/// <remarks>invoke-ai/InvokeAI, invokeai/app/invocations/metadata.py (3.0 and later) and, of old, ldm/invoke/pngwriter.py (2.x).</remarks>
internal static class InvokeReader
{
    private const string InitialPicture = "The initial picture is not in the text: name it with --init.";

    public static ForeignRecord Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        var fields = ForeignFields.Of(document.RootElement);
        fields.Ignore("app_version", "generation_mode", "rand_device", "positive_style_prompt", "negative_style_prompt", "model", "canvas_v2_metadata");
        var (model, hash) = Model(document.RootElement);
        var strength = fields.Number("strength", 0, 1);
        if (strength is not null) fields.Say(InitialPicture);
        var request = Common(fields, "scheduler") with
        {
            Prompt = fields.Text("positive_prompt") ?? "",
            Negative = fields.Text("negative_prompt"),
            GuidanceRescale = fields.Number("cfg_rescale_multiplier", 0, 1) ?? 0,
            ClipSkip = 1 + (fields.Whole("clip_skip", 0, 24) ?? 0),
        };
        if (fields.Text("vae") is { } vae) fields.Note("vae", vae, "name its file with --vae");
        if (fields.Text("loras") is { } loras) fields.Note("loras", loras, "name their files with --lora");
        Weights(request.Prompt, fields);
        return new("InvokeAI", request) { Model = model, ModelHash = hash, Strength = strength, NotMapped = fields.Finish() };
    }

    /// <summary>The text of versions before 3.0.</summary>
    public static ForeignRecord ReadOld(string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var image = root.GetProperty("image");
        var fields = ForeignFields.Of(image);
        var strength = fields.Text("type") == "img2img" ? fields.Number("strength", 0, 1) ?? 0.75 : (double?)null;
        if (strength is not null) fields.Say(InitialPicture);
        fields.Ignore("prompt", "postprocessing", "variations", "strength", "threshold", "perlin");
        var (prompt, negative) = Split(OldPrompt(image));
        var request = Common(fields, "sampler") with { Prompt = prompt, Negative = negative };
        Weights(prompt, fields);
        return new("InvokeAI", request) { Model = Said(root, "model_weights"), ModelHash = Said(root, "model_hash"), Strength = strength, NotMapped = fields.Finish() };
    }

    private static GenerationRequest Common(ForeignFields fields, string samplerField)
    {
        var scheduler = fields.Text(samplerField) ?? "euler";
        var ours = SamplerLabels.OfInvoke(scheduler);
        if (ours.Sampler is null) fields.Note(samplerField, scheduler, "not known here");
        return new()
        {
            Prompt = "",
            Steps = fields.Whole("steps", 1, 1000) ?? 20,
            Guidance = fields.Number("cfg_scale", 0, 100),
            Seeds = [fields.Seed("seed") ?? 0],
            Width = fields.Whole("width", 1, ForeignFields.LargestSide),
            Height = fields.Whole("height", 1, ForeignFields.LargestSide),
            Sampler = ours.Sampler,
            Schedule = ours.Sampler is null ? null : ours.Schedule,
        };
    }

    private static (string? Name, string? Hash) Model(JsonElement root)
    {
        if (!root.TryGetProperty("model", out var model) || model.ValueKind != JsonValueKind.Object) return (null, null);
        const string mark = "sha256:";
        var hash = Said(model, "hash") is { } said && said.StartsWith(mark, StringComparison.Ordinal) ? said[mark.Length..] : null;
        return (Said(model, "name") ?? Said(model, "model_name"), hash);
    }

    private static string? Said(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // A text, or a list of texts with weights.
    private static string OldPrompt(JsonElement image) => !image.TryGetProperty("prompt", out var prompt) ? ""
        : prompt.ValueKind == JsonValueKind.Array ? string.Join(", ", prompt.EnumerateArray().Select(part => part.ValueKind == JsonValueKind.Object ? Said(part, "prompt") : part.ToString()))
        : prompt.ToString();

    // What stands in square brackets is what the picture should not show.
    private static (string Prompt, string? Negative) Split(string prompt)
    {
        var (positive, negative) = (new StringBuilder(), new List<string>());
        var start = 0;
        for (int open; (open = prompt.IndexOf('[', start)) >= 0 && prompt.IndexOf(']', open) is var close and > 0; start = close + 1)
        {
            positive.Append(prompt, start, open - start);
            negative.Add(prompt[(open + 1)..close]);
        }
        return (positive.Append(prompt, start, prompt.Length - start).ToString().Trim(), negative.Count == 0 ? null : string.Join(", ", negative));
    }

    private static void Weights(string prompt, ForeignFields fields)
    {
        string[] signs = ["++", "--", ")1.", ")0."];
        if (signs.Any(sign => prompt.Contains(sign, StringComparison.Ordinal)))
            fields.Say("The prompt's weights are written InvokeAI's way (word++, (words)1.2), which is text here.");
    }
}
