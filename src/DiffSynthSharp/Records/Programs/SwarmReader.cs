using System.Text.Json;

namespace DiffSynthSharp.Records.Programs;

/// <summary>What SwarmUI says of a picture.</summary>
/// <remarks>mcmonkeyprojects/SwarmUI, src/Text2Image/T2IParamTypes.cs.</remarks>
internal static class SwarmReader
{
    public static ForeignRecord Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        var fields = ForeignFields.Of(document.RootElement.GetProperty("sui_image_params"));
        fields.Ignore("images", "aspectratio", "swarm_version", "automaticvae", "sidelength", "donotsave", "batchsize", "presets");
        var model = fields.Text("model");
        var (sampler, scheduler) = (fields.Text("sampler") ?? "euler", fields.Text("scheduler") ?? "normal");
        var ours = SamplerLabels.OfComfy(sampler, scheduler);
        if (ours.Sampler is null) fields.Note("sampler", sampler, "not known here");
        if (ours.Schedule is null) fields.Note("scheduler", scheduler, "not known here");
        var strength = fields.Number("initimagecreativity", 0, 1);
        if (strength is not null) fields.Say("The initial picture is not in the text: name it with --init.");
        var request = new GenerationRequest
        {
            Prompt = WebUiReader.WithoutTags(fields.Text("prompt") ?? "", fields),
            Negative = fields.Text("negativeprompt"),
            LongPrompt = LongPrompt.Chunks,
            Steps = fields.Whole("steps", 1, 1000) ?? 20,
            Guidance = fields.Number("cfgscale", 0, 100),
            Seeds = [fields.Seed("seed") ?? 0],
            Width = fields.Whole("width", 1, ForeignFields.LargestSide),
            Height = fields.Whole("height", 1, ForeignFields.LargestSide),
            Sampler = ours.Sampler,
            Schedule = ours.Schedule,
            // Counted from the end: −1 is the last layer.
            ClipSkip = -(fields.Whole("clipstopatlayer", -24, -1) ?? -1),
        };
        if (fields.Text("loras") is { } loras) fields.Note("loras", loras, $"weights {ForeignFields.Shown(fields.Text("loraweights") ?? "1")}; name their files with --lora");
        if (fields.Text("vae") is { } vae) fields.Note("vae", vae, "name its file with --vae");
        return new("SwarmUI", request) { Model = model, Strength = strength, NotMapped = fields.Finish() };
    }
}
