using System.Globalization;

namespace DiffSynthSharp.Cli.Output;

/// <summary>What made a picture, as text inside its PNG file.</summary>
/// <remarks>The keyword and the lines that AUTOMATIC1111/stable-diffusion-webui writes, which other tools read.</remarks>
internal static class Parameters
{
    public static IReadOnlyDictionary<string, string> Of(GenerationRequest request, GeneratedPicture picture, string model)
    {
        var settings = new List<(string Name, object? Value)>
        {
            ("Steps", request.Steps),
            ("Sampler", request.Sampler),
            ("Schedule type", request.Schedule),
            ("CFG scale", request.Guidance),
            ("Seed", picture.Seed),
            ("Size", $"{picture.Picture.Width}x{picture.Picture.Height}"),
            ("Model", Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(model))),
            ("Clip skip", request.ClipSkip == 1 ? null : request.ClipSkip),
            ("CFG Rescale", request.GuidanceRescale == 0 ? null : request.GuidanceRescale),
            ("Denoising strength", request.Init?.Strength),
            ("Version", "DiffSynthSharp"),
        };
        var last = string.Join(", ", settings.Where(setting => setting.Value is not null)
            .Select(setting => string.Create(CultureInfo.InvariantCulture, $"{setting.Name}: {setting.Value}")));
        string[] lines = string.IsNullOrEmpty(request.Negative) ? [request.Prompt, last] : [request.Prompt, $"Negative prompt: {request.Negative}", last];
        return new Dictionary<string, string> { ["parameters"] = string.Join('\n', lines) };
    }
}
