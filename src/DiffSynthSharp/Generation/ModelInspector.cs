using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp;

/// <summary>One tensor of a model's files.</summary>
/// <param name="Name">As the file says.</param>
/// <param name="Type">How its elements are stored, such as F16.</param>
/// <param name="Shape">Its dimensions.</param>
public sealed record ModelTensor(string Name, string Type, IReadOnlyList<long> Shape);

/// <summary>One network of a model.</summary>
/// <param name="Name">"text encoder", "U-Net" or "autoencoder".</param>
/// <param name="Origin">The file or folder it comes from.</param>
/// <param name="Prefix">What stands before its tensors' names.</param>
/// <param name="Tensors">How many tensors it has.</param>
/// <param name="Parameters">How many numbers they hold.</param>
/// <param name="Bytes">How much they take in the file.</param>
/// <param name="Types">Element types, the most frequent first.</param>
/// <param name="Sizes">Its dimensions in words.</param>
/// <param name="Unknown">Tensors behind its prefix that don't belong to it.</param>
public sealed record ModelPartDescription(
    string Name, string Origin, string Prefix, int Tensors, long Parameters, long Bytes, IReadOnlyList<string> Types, string Sizes, IReadOnlyList<string> Unknown);

/// <summary>What a file or folder holds.</summary>
/// <param name="Path">The file or folder.</param>
/// <param name="Family">The family it belongs to, or what it looks like instead.</param>
/// <param name="Parts">Networks that were found.</param>
/// <param name="Missing">Networks that a complete model would have.</param>
/// <param name="Scheduler">What the noise schedule comes from.</param>
/// <param name="Tensors">Every tensor of its files.</param>
public sealed record ModelDescription(
    string Path, string Family, IReadOnlyList<ModelPartDescription> Parts, IReadOnlyList<string> Missing, string Scheduler, IReadOnlyList<ModelTensor> Tensors);

/// <summary>Says what a model file or folder holds, without loading it.</summary>
public static class ModelInspector
{
    /// <summary>Reads headers only.</summary>
    /// <param name="path">A checkpoint or a folder.</param>
    /// <exception cref="DiffSynthException">The file is missing, damaged, hostile or no checkpoint.</exception>
    public static ModelDescription Inspect(string path)
    {
        using var files = StableDiffusionFiles.Open(path);
        return Describe(files);
    }

    internal static ModelDescription Describe(StableDiffusionFiles files)
    {
        var found = new (string Name, ModelPart? Part, Func<ModelPart, string> Sizes)[]
        {
            ("text encoder", files.TextEncoder, StableDiffusionLoader.TextSizes),
            ("U-Net", files.UNet, StableDiffusionLoader.UNetSizes),
            ("autoencoder", files.Autoencoder, StableDiffusionLoader.AutoencoderSizes),
        };
        var parts = found.Where(part => part.Part is not null).Select(part => Describe(part.Name, part.Part!, part.Sizes(part.Part!))).ToList();
        var missing = found.Where(part => part.Part is null).Select(part => part.Name).ToList();
        var family = missing.Count == 0 ? "Stable Diffusion 1.x" : FamilySigns.Guess(files.Entries.Select(entry => entry.Name)) ?? "unknown";
        return new(files.Path, family, parts, missing, files.Scheduler?.Path ?? "none; DiffSynth-Studio's DDIM is the default",
            [.. files.Entries.Select(entry => new ModelTensor(entry.Name, entry.TypeName, entry.Shape))]);
    }

    private static ModelPartDescription Describe(string name, ModelPart part, string sizes) => new(
        name, part.Weights.Origin, part.Weights.Prefix, part.Weights.Entries.Count, part.Weights.Entries.Sum(entry => entry.Elements), part.Weights.Entries.Sum(entry => entry.StoredBytes),
        [.. part.Weights.Entries.CountBy(entry => entry.TypeName).OrderByDescending(type => type.Value).Select(type => type.Key)], sizes, part.Weights.Unknown);
}
