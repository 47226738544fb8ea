using DiffSynthSharp.Families.Flux;
using DiffSynthSharp.Families.Sd3;
using DiffSynthSharp.Families.StableDiffusion;

namespace DiffSynthSharp.Families;

/// <summary>Every family that can be run.</summary>
internal static class FamilyCatalogue
{
    /// <summary>The families; files that fit none are told what the last one misses.</summary>
    public static IReadOnlyList<ModelFamily> All { get; } = [new FluxFamily(), new Sd3Family(), new StableDiffusionFamily()];

    /// <summary>The family of a model's files, or null when they hold no denoising network of any.</summary>
    public static ModelFamily? Find(ModelFiles files) => All.FirstOrDefault(family => family.Fits(files));
}
