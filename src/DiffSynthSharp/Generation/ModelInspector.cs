using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Families;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp;

/// <summary>One tensor of a model's files.</summary>
/// <param name="Name">As the file says.</param>
/// <param name="Type">How its elements are stored, such as F16.</param>
/// <param name="Shape">Its dimensions.</param>
public sealed record ModelTensor(string Name, string Type, IReadOnlyList<long> Shape);

/// <summary>One network of a model.</summary>
/// <param name="Name">Such as "text encoder", "U-Net" or "autoencoder".</param>
/// <param name="Origin">The file or folder it comes from.</param>
/// <param name="Prefix">What stands before its tensors' names.</param>
/// <param name="Tensors">How many tensors it has.</param>
/// <param name="Parameters">How many numbers they hold.</param>
/// <param name="Bytes">How much they take in the file.</param>
/// <param name="Types">Element types, the most frequent first.</param>
/// <param name="Sizes">Its dimensions in words.</param>
/// <param name="Unknown">Tensors behind its prefix that don't belong to it.</param>
public sealed record ModelPartDescription(
    string Name, string Origin, string Prefix, int Tensors, long Parameters, long Bytes, IReadOnlyList<string> Types, string Sizes, IReadOnlyList<string> Unknown)
{
    /// <summary>How many tensors have each element type; 8-bit floats with scales beside them are counted apart.</summary>
    public required IReadOnlyDictionary<string, int> TypeCounts { get; init; }
}

/// <summary>What a file or folder holds.</summary>
/// <param name="Path">The file or folder.</param>
/// <param name="Family">The family it belongs to, or what it looks like instead.</param>
/// <param name="Parts">Networks that were found.</param>
/// <param name="Missing">Networks that a complete model would have.</param>
/// <param name="Scheduler">What the noise schedule comes from; empty for files that have none.</param>
/// <param name="Tensors">Every tensor of its files.</param>
public sealed record ModelDescription(
    string Path, string Family, IReadOnlyList<ModelPartDescription> Parts, IReadOnlyList<string> Missing, string Scheduler, IReadOnlyList<ModelTensor> Tensors)
{
    /// <summary>What it is, what it lacks, and what to do with it, in one line.</summary>
    public required string Summary { get; init; }
}

/// <summary>Says what a model file or folder holds, without loading it.</summary>
public static class ModelInspector
{
    /// <summary>Reads headers only.</summary>
    /// <param name="path">A checkpoint or a folder.</param>
    /// <param name="options">Names files for single parts; null for none.</param>
    /// <exception cref="DiffSynthException">The file is missing, damaged, hostile or no checkpoint.</exception>
    public static ModelDescription Inspect(string path, LoadOptions? options = null)
    {
        using var files = ModelFiles.Open(path, options);
        return Describe(files, FamilyCatalogue.Find(files));
    }

    internal static ModelDescription Describe(ModelFiles files, ModelFamily? family)
    {
        var likely = FamilyCatalogue.Look(files);
        // Without a denoising network the parts may be any family's, and what lies beside them has no part in them.
        var kinds = family?.Parts ?? (FamilyCatalogue.IsForeign(likely) ? [] : [.. FamilyCatalogue.All.SelectMany(known => known.Parts).DistinctBy(part => part.Kind.Name)]);
        var parts = kinds.Select(part => (part.Kind, part.Sizes, Found: files.Find(part.Kind))).Where(part => part.Found is not null && (family is not null || files.OriginOf(part.Kind, part.Found) != "beside"))
            .DistinctBy(part => (part.Found!.Weights.Origin, part.Found.Weights.Prefix)).Select(part => Describe(part.Kind.Name, part.Found!, part.Sizes(part.Found!))).ToList();
        if (parts.Count == 0) parts = [.. likely.Select(Describe)];
        if (parts.Count == 0 && files.IsFolder)
            throw new DiffSynthException($"The folder '{files.Path}' holds no model: expected a diffusers folder with sub-folders such as unet, vae and text_encoder, or transformer. For a single checkpoint, name the file.");
        var missing = family?.Missing(files) ?? [];
        var name = family?.Name ?? likely.FirstOrDefault(part => part.Sign.Family is not null)?.Sign.Family ?? "unknown";
        return new(files.Path, name, parts, missing, files.Scheduler?.Path ?? (family is null ? "" : $"none; {family.DefaultSchedulerName} is the default"),
            [.. files.Entries.Select(entry => new ModelTensor(entry.Name, entry.TypeName, entry.Shape))])
        {
            Summary = Summary(files, family, missing, likely),
        };
    }

    private static string Summary(ModelFiles files, ModelFamily? family, IReadOnlyList<string> missing, IReadOnlyList<LikelyPart> likely)
    {
        if (family is not null) return missing.Count == 0 ? family.Name : $"{family.Name} without {string.Join(", ", missing)}; `diffsynth models where` says where to get what is missing";
        if (FamilySigns.Words(likely) is not { } words) return FamilyCatalogue.Describe(files);
        if (likely is not [{ Sign: { Part: "LoRA" } sign, Source: var source }]) return $"looks like {words}, {FamilyCatalogue.Advice(likely).TrimEnd('.')}";
        var lora = FamilyOfLora(source.Path);
        return $"looks like {words}{(lora is null ? "" : $" for {lora}")}, {(lora is null || FamilyCatalogue.All.Any(known => known.Name == lora && known.TakesLoras) ? FamilyCatalogue.Advice(likely).TrimEnd('.') : "which is not supported yet")}";
    }

    // Names alone don't tell it: each layout spells layers in its own way.
    private static string? FamilyOfLora(string path)
    {
        try
        {
            using var file = LoraFile.Open(path);
            return LoraFamily.Guess(file.Modules);
        }
        catch (DiffSynthException)
        {
            return null; // its modules contradict each other, which `lora inspect` is there to say
        }
    }

    private static ModelPartDescription Describe(string name, ModelPart part, string sizes) => new(
        name, part.Weights.Origin, part.Weights.Prefix, part.Weights.Entries.Count, part.Weights.Entries.Sum(entry => entry.Elements), part.Weights.Entries.Sum(entry => entry.StoredBytes),
        Types(part.Weights.Entries), sizes, part.Weights.Unknown)
    {
        TypeCounts = Counted(part.Weights.Entries, part.Weights.IsScaled),
    };

    private static ModelPartDescription Describe(LikelyPart part) => new(
        part.Sign.Part, part.Source.Path, part.Prefix, part.Entries.Count, part.Entries.Sum(entry => entry.Elements), part.Entries.Sum(entry => entry.StoredBytes), Types(part.Entries), "", [])
    {
        TypeCounts = Counted(part.Entries, _ => false),
    };

    private static IReadOnlyList<string> Types(IEnumerable<TensorEntry> entries) => [.. entries.CountBy(entry => entry.TypeName).OrderByDescending(type => type.Value).Select(type => type.Key)];

    private static Dictionary<string, int> Counted(IEnumerable<TensorEntry> entries, Predicate<TensorEntry> isScaled)
        => entries.CountBy(entry => isScaled(entry) ? $"{entry.TypeName} scaled" : entry.TypeName).OrderByDescending(type => type.Value).ToDictionary();
}
