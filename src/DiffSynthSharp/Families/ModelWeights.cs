using DiffSynthSharp.Memory;

namespace DiffSynthSharp.Families;

/// <summary>The weights of a model as a whole.</summary>
internal static class ModelWeights
{
    /// <summary>Parts of a model that its files hold.</summary>
    public static IEnumerable<ModelPart> Found(ModelFiles files, ModelFamily family) => family.Parts.Select(part => files.Find(part.Kind)).OfType<ModelPart>();

    /// <summary>Decides how they are kept.</summary>
    /// <param name="files">Where they are.</param>
    /// <param name="family">Whose networks they fill.</param>
    /// <param name="options">The user's wishes.</param>
    /// <param name="free">Bytes of memory that are free.</param>
    /// <exception cref="DiffSynthException">The budget is no positive number.</exception>
    public static MemoryPlan PlanOf(ModelFiles files, ModelFamily family, LoadOptions options, long free)
    {
        var entries = Found(files, family).SelectMany(part => part.Weights.Entries).ToList();
        var sizes = new WeightSizes(entries.Sum(entry => entry.StoredBytes), entries.Sum(entry => entry.Elements * sizeof(float)));
        return MemoryPlan.Choose(sizes, free, options.Memory, options.MemoryBudget);
    }
}
