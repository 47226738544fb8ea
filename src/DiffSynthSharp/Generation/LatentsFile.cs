using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp;

/// <summary>Latents as a safetensors file.</summary>
public static class LatentsFile
{
    /// <summary>Writes the latents of pictures of one size as the tensor <c>latents</c>, float32 (pictures, channels, height, width).</summary>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="pictures">One or more; their seeds are noted in the header.</param>
    /// <exception cref="DiffSynthException">The file cannot be written.</exception>
    public static void Save(string path, IReadOnlyList<GeneratedPicture> pictures)
    {
        using var scope = NewDisposeScope();
        long[] shape = [pictures.Count, .. pictures[0].LatentShape.Select(side => (long)side)];
        var latents = tensor(pictures.SelectMany(picture => picture.Latents).ToArray(), shape);
        SafetensorsWriter.Write(path, [("latents", latents)], new Dictionary<string, string> { ["seeds"] = string.Join(',', pictures.Select(picture => picture.Seed)) });
    }
}
