using DiffSynthSharp.Families;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp;

/// <summary>A file that can be downloaded from its publisher.</summary>
/// <param name="Name">Its name, which it should keep to be found.</param>
/// <param name="Home">The page or folder that has it.</param>
/// <param name="Bytes">Its length; null when it isn't known to the byte.</param>
/// <param name="Sha256">In small hexadecimal digits; null when it isn't known.</param>
public sealed record ModelDownload(string Name, string Home, long? Bytes, string? Sha256);

/// <summary>Something that a model is made of.</summary>
/// <param name="Name">A network, or a vocabulary.</param>
/// <param name="IsOptional">Whether models of the family run without it.</param>
/// <param name="Found">The file or folder that has it; null when it is missing, or no model was named.</param>
/// <param name="Prefix">What stands before its tensors' names there.</param>
/// <param name="Origin">How it was found: "model", "beside", or the option that names it; null when it wasn't.</param>
/// <param name="Option">The option that names its file; null when there is none.</param>
/// <param name="LookedIn">Every place that was looked at, in order.</param>
/// <param name="Downloads">Where to get it.</param>
/// <param name="Pull">What fetches it: the name to give to <c>diffsynth models pull</c>; null for none.</param>
public sealed record NeededPart(
    string Name, bool IsOptional, string? Found, string? Prefix, string? Origin, string? Option, IReadOnlyList<string> LookedIn, IReadOnlyList<ModelDownload> Downloads, string? Pull);

/// <summary>What a model is made of, where each part is, and where to get what is missing.</summary>
/// <param name="Path">The model's file or folder; null for a family as such.</param>
/// <param name="Family">Its family, or what it looks like.</param>
/// <param name="IsComplete">Whether nothing is missing that the model can't do without.</param>
/// <param name="Summary">The same in one line.</param>
/// <param name="Parts">In the order in which they are used; empty for files of a family that can't be run.</param>
/// <param name="Models">Published files of the family that hold at least the network that denoises.</param>
public sealed record ModelParts(string? Path, string Family, bool IsComplete, string Summary, IReadOnlyList<NeededPart> Parts, IReadOnlyList<ModelDownload> Models)
{
    private const string Hub = "https://huggingface.co/";

    /// <summary>Looks for the parts of a model. Reads headers only.</summary>
    /// <param name="path">A checkpoint or a folder.</param>
    /// <param name="options">Names files of single parts.</param>
    /// <exception cref="DiffSynthException">A file is missing, damaged, hostile, or not what an option is for.</exception>
    public static ModelParts Of(string path, LoadOptions? options = null)
    {
        using var files = ModelFiles.Open(path, options);
        var family = FamilyCatalogue.Find(files);
        if (family is null)
        {
            var description = ModelInspector.Describe(files, null);
            return new(path, description.Family, IsComplete: false, description.Summary, [], []);
        }
        var parts = family.Parts.Select(part => Network(files, part)).Concat(Vocabularies(files, family)).ToList();
        IReadOnlyList<string> missing = [.. family.Missing(files), .. parts.Where(part => part is { Pull: not null, Found: null }).Select(part => part.Name)];
        return new(path, family.Name, missing.Count == 0, missing.Count == 0 ? $"{family.Name}, complete" : $"{family.Name} without {string.Join(", ", missing)}", parts, Downloads(family.Published));
    }

    /// <summary>What models of each family are made of that can be run.</summary>
    public static IReadOnlyList<ModelParts> OfFamilies() => [.. FamilyCatalogue.All.Select(family => new ModelParts(null, family.Name, false, family.Name,
    [
        .. family.Parts.Select(part => new NeededPart(part.Kind.Name, part.IsOptional, null, null, null, part.Kind.Option?.Name, [], Downloads(part.Kind.Published), null)),
        .. family.Parts.Select(part => part.Kind.Vocabulary).OfType<VocabularyKind>().Distinct().Select(kind => Vocabulary(kind, null, [])),
    ], Downloads(family.Published)))];

    private static NeededPart Network(ModelFiles files, FamilyPart part)
    {
        var (kind, found) = (part.Kind, files.Find(part.Kind));
        return new(kind.Name, part.IsOptional, found?.Weights.Origin, found?.Weights.Prefix, found is null ? null : files.OriginOf(kind, found), kind.Option?.Name,
            files.PlacesOf(kind), found is null ? Downloads(kind.Published) : [], null);
    }

    // A text encoder that the model does without needs no vocabulary.
    private static IEnumerable<NeededPart> Vocabularies(ModelFiles files, ModelFamily family)
        => family.Parts.Where(part => !part.IsOptional || files.Find(part.Kind) is not null).Select(part => part.Kind.Vocabulary).OfType<VocabularyKind>().Distinct().Select(kind =>
        {
            var places = kind.Places(files.Path, files.Tokenizers);
            var found = places.FirstOrDefault(kind.IsIn);
            return Vocabulary(kind, found, places) with { Origin = found is null ? null : files.Tokenizers is null ? "model" : "--tokenizers" };
        });

    private static NeededPart Vocabulary(VocabularyKind kind, string? found, IReadOnlyList<string> places) => new($"{kind.Name} vocabulary ({kind.Files})", false, found, null, null, "--tokenizers", places,
        found is null ? [.. kind.Published.Select(file => new ModelDownload(file.Name, file.Home, file.Bytes, file.Sha256))] : [], kind.Pull);

    private static IReadOnlyList<ModelDownload> Downloads(IReadOnlyList<PublishedFile> files) => [.. files.Select(file => new ModelDownload(file.Name, Hub + file.Home, file.Bytes, file.Sha256))];
}
