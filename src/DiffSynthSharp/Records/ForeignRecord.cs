using System.Text.Json;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Records;
using DiffSynthSharp.Records.Programs;

namespace DiffSynthSharp;

/// <summary>What another program wrote into a picture, as far as it can be asked for here.</summary>
/// <param name="Program">AUTOMATIC1111, ComfyUI, InvokeAI or SwarmUI.</param>
/// <param name="Request">What can be asked for. The other program's arithmetic differs in places, so the picture will be alike, not equal.</param>
public sealed record ForeignRecord(string Program, GenerationRequest Request)
{
    /// <summary>The checkpoint's name there; null when it isn't said.</summary>
    public string? Model { get; init; }

    /// <summary>The first digits of the checkpoint's SHA-256; null when they aren't said.</summary>
    public string? ModelHash { get; init; }

    /// <summary>The strength of image-to-image, whose initial picture the text doesn't hold; null when it was made from nothing.</summary>
    public double? Strength { get; init; }

    /// <summary>What of the text is left out or done differently, a line each.</summary>
    public IReadOnlyList<string> NotMapped { get; init; } = [];

    /// <summary>Reads what A1111 (and its descendants), ComfyUI, InvokeAI or SwarmUI wrote into a PNG, JPEG or WebP file.</summary>
    /// <returns>Null when nothing in it is known.</returns>
    /// <exception cref="DiffSynthException">The file cannot be read, or its text is damaged.</exception>
    public static ForeignRecord? Read(string path) => Read(PictureTexts.Read(path), path);

    /// <summary>The same of a picture's texts.</summary>
    /// <param name="texts">By keyword.</param>
    /// <param name="path">What errors call the picture.</param>
    internal static ForeignRecord? Read(IReadOnlyDictionary<string, string> texts, string path)
    {
        try
        {
            return Of(texts);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new DiffSynthException($"What made '{path}' cannot be read from it: {e.Message.Split('\n')[0]}", e);
        }
    }

    /// <summary>The same, with the errors of the JSON reader.</summary>
    internal static ForeignRecord? Of(IReadOnlyDictionary<string, string> texts)
    {
        var parameters = texts.GetValueOrDefault("parameters");
        if (parameters is not null && parameters.Contains("\"sui_image_params\"", StringComparison.Ordinal)) return SwarmReader.Read(parameters);
        if (texts.GetValueOrDefault("invokeai_metadata") is { } invoke) return InvokeReader.Read(invoke);
        if (texts.GetValueOrDefault("sd-metadata") is { } old) return InvokeReader.ReadOld(old);
        if (parameters is not null) return WebUiReader.Read(Infotext.Parse(parameters));
        return texts.GetValueOrDefault("prompt") is { } graph && graph.TrimStart().StartsWith('{') ? ComfyReader.Read(graph) : null;
    }
}
