using System.Globalization;
using System.Text.Json;

namespace DiffSynthSharp.Records;

/// <summary>What made a picture in A1111's words.</summary>
/// <remarks>AUTOMATIC1111/stable-diffusion-webui 1.10, modules/processing.py (<c>create_infotext</c>).</remarks>
internal static class InfotextWriter
{
    private const int LoraDigits = 12;

    public static Infotext Of(PictureRecord record, GenerationRequest request, JsonElement stored)
    {
        var fields = new List<(string Name, object? Value)>
        {
            ("Steps", request.Steps),
            ("Sampler", SamplerLabels.WebUiSampler(record.MadeWith.Sampler)),
            ("Schedule type", SamplerLabels.WebUiSchedule(record.MadeWith.Schedule)),
            ("CFG scale", record.MadeWith.Guidance),
            ("Seed", request.Seeds[0]),
            ("Size", $"{record.MadeWith.Width}x{record.MadeWith.Height}"),
            ("Model hash", ShortHash.Of(ModelFiles.Together(record.ModelFiles))),
            ("Model", Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(record.Model))),
            ("VAE", record.Loading.Vae is { } vae ? Path.GetFileName(vae) : null),
            ("Denoising strength", Strength(request, stored)),
            ("Mask blur", Number(stored, "mask", "blur")),
            ("Clip skip", request.ClipSkip == 1 ? null : request.ClipSkip),
            ("CFG Rescale", request.GuidanceRescale == 0 ? null : request.GuidanceRescale),
            ("RNG", "CPU"),
            ("Emphasis", request.EmphasisMean == EmphasisMean.Kept ? "No norm" : null),
        };
        fields.AddRange(HighRes(request));
        fields.Add(("Lora hashes", Hashes(request.Loras.Select(lora => (lora.Path, FileHashes.OfTensors(lora.Path))))));
        fields.Add(("TI hashes", Hashes(request.Embeddings.Select(embedding => (embedding.Path, FileHashes.Of(embedding.Path))))));
        fields.Add(("Version", record.MadeWith.Program));
        return new(Prompt(request), request.Negative ?? "",
            [.. fields.Where(field => field.Value is not null).Select(field => KeyValuePair.Create(field.Name, Convert.ToString(field.Value, CultureInfo.InvariantCulture)!))]);
    }

    // Where other programs look for LoRAs: in the prompt.
    private static string Prompt(GenerationRequest request) => string.Join(' ', request.Loras
        .Select(lora => string.Create(CultureInfo.InvariantCulture, $"<lora:{Path.GetFileNameWithoutExtension(lora.Path)}:{lora.Scale}>"))
        .Where(tag => !request.Prompt.Contains(tag, StringComparison.Ordinal)).Prepend(request.Prompt));

    private static double? Strength(GenerationRequest request, JsonElement stored)
        => Number(stored, "init", "strength") ?? (request.HighRes.Count > 0 ? request.HighRes[0].Strength : null);

    // A1111 has one further pass.
    private static IEnumerable<(string Name, object? Value)> HighRes(GenerationRequest request)
    {
        if (request.HighRes is not [var pass, ..]) yield break;
        yield return ("Hires resize", $"{pass.Width}x{pass.Height}");
        yield return ("Hires steps", pass.Steps);
        yield return ("Hires upscaler", pass.Upscaler is { } file ? Path.GetFileNameWithoutExtension(file) : pass.Resize.ToString());
    }

    private static string? Hashes(IEnumerable<(string Path, string Hash)> files)
    {
        var all = string.Join(", ", files.Select(file => $"{Path.GetFileNameWithoutExtension(file.Path)}: {file.Hash[..LoraDigits]}"));
        return all.Length == 0 ? null : all;
    }

    /// <summary>A number of a stored request; null when it has none.</summary>
    public static double? Number(JsonElement stored, params IReadOnlyList<string> names)
    {
        foreach (var name in names)
            if (stored.ValueKind != JsonValueKind.Object || !stored.TryGetProperty(name, out stored)) return null;
        return stored.GetDouble();
    }
}
