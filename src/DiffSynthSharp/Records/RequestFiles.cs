namespace DiffSynthSharp.Records;

/// <summary>The files of weights that a request names.</summary>
internal static class RequestFiles
{
    /// <summary>Full paths of files; what is a folder is left out.</summary>
    public static IEnumerable<string> Of(GenerationRequest request)
    {
        var named = request.Loras.Select(lora => lora.Path)
            .Concat(request.Embeddings.Select(embedding => embedding.Path))
            .Concat(request.Controls.SelectMany(control => new[] { control.Path, control.AnnotatorFile }))
            .Concat(request.HighRes.Select(pass => pass.Upscaler));
        return named.OfType<string>().Select(Path.GetFullPath).Where(path => !Directory.Exists(path)).Distinct();
    }
}
