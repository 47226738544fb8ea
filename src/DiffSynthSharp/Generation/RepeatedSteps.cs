using DiffSynthSharp.Families;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Sampling;

namespace DiffSynthSharp.Generation;

/// <summary>What a pass remembers of each picture of a batch to skip steps that would change little (TeaCache).</summary>
internal sealed class RepeatedSteps : IDisposable
{
    private RepeatedSteps(IReadOnlyList<BlockRepeats> pictures) => Pictures = pictures;

    /// <summary>One for each picture; empty computes every step.</summary>
    public IReadOnlyList<BlockRepeats> Pictures { get; }

    /// <param name="threshold">Change at which a step is computed; null computes all.</param>
    /// <param name="family">Knows how its input's change tells its output's.</param>
    /// <param name="steps">Steps of the pass.</param>
    /// <param name="pictures">Pictures of the batch.</param>
    public static RepeatedSteps Of(double? threshold, LoadedFamily family, int steps, int pictures) => new(threshold is not { } least ? []
        : [.. Enumerable.Range(0, pictures).Select(_ => new BlockRepeats(new ChangeGate(least, family.ChangePolynomial!, steps).Computes))]);

    public void Dispose()
    {
        foreach (var picture in Pictures) picture.Dispose();
    }
}
