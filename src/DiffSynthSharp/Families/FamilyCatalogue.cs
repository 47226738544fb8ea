using DiffSynthSharp.Families.Flux;
using DiffSynthSharp.Families.Sd3;
using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Families;

/// <summary>Every family that can be run.</summary>
internal static class FamilyCatalogue
{
    private static readonly Dictionary<SignKind, string> s_uses = new()
    {
        [SignKind.Adapter] = "which is attached to a model: name it with {0}, and the model with --model.",
        [SignKind.Part] = "which is a part of a model: name it with {0}, and the model with --model.",
        [SignKind.Tool] = "which is for {0}.",
    };

    /// <summary>The families; files that fit none are told what the last one misses.</summary>
    public static IReadOnlyList<ModelFamily> All { get; } = [new FluxFamily(), new Sd3Family(), new StableDiffusionFamily()];

    /// <summary>The names of all families.</summary>
    public static string Names => string.Join(", ", All.Select(family => family.Name));

    /// <summary>The family of a model's files, or null when they hold no denoising network of any, or one of a relative that can't be run.</summary>
    public static ModelFamily? Find(ModelFiles files) => IsForeign(Look(files)) ? null : All.FirstOrDefault(family => family.Fits(files));

    /// <summary>The family that is to load a model's files; where none fits, the one whose check says what they miss.</summary>
    /// <exception cref="DiffSynthException">They are something else; the message says what they look like.</exception>
    public static ModelFamily Choose(ModelFiles files)
    {
        if (Find(files) is { } family) return family;
        var parts = Look(files);
        return FamilySigns.Words(parts) is not { } words ? All[^1] : throw new DiffSynthException($"'{files.Path}' looks like {words}, {Advice(parts)}");
    }

    /// <summary>What a model's own files look like they hold.</summary>
    public static IReadOnlyList<LikelyPart> Look(ModelFiles files) => FamilySigns.Look(files.Own(All.SelectMany(family => family.Parts).Select(part => part.Kind.Folder).Distinct()));

    /// <summary>Whether files are an adapter, or of a family that can't be run.</summary>
    public static bool IsForeign(IReadOnlyList<LikelyPart> parts)
        => parts.Any(part => part.Sign.Kind == SignKind.Adapter || part.Sign.Kind == SignKind.Denoiser && All.All(family => family.Name != part.Sign.Family));

    /// <summary>What to do with such files, as the end of a sentence.</summary>
    public static string Advice(IReadOnlyList<LikelyPart> parts)
        => !parts.Any(part => part.Sign.Kind == SignKind.Denoiser) && parts.FirstOrDefault(part => part.Sign.Use is not null)?.Sign is { } sign
            ? string.Format(System.Globalization.CultureInfo.InvariantCulture, s_uses[sign.Kind], sign.Use)
            : $"which is not supported yet.{(parts.Any(part => part.Sign.Kind == SignKind.Denoiser) ? $" Supported: {Names}." : "")}";

    /// <summary>A sentence for an error: what a model's own files look like.</summary>
    public static string Describe(ModelFiles files)
        => FamilySigns.Words(Look(files)) is { } words ? $"It looks like {words}." : files.Sources is [var only, ..] ? FamilySigns.Describe(only) : "It holds no tensors.";
}
