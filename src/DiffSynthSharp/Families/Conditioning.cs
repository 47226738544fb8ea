using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>What a prompt becomes for the denoiser.</summary>
/// <param name="Context">(B, M, width) text tokens</param>
/// <param name="Pooled">(B, width) the text as one vector; null where the network takes none.</param>
internal sealed record Conditioning(Tensor Context, Tensor? Pooled = null) : IDisposable
{
    /// <summary>Two conditionings of equal shapes as rows of one.</summary>
    public static Conditioning Join(Conditioning first, Conditioning second) => new(
        cat([first.Context, second.Context]), first.Pooled is null ? null : cat([first.Pooled, second.Pooled!]));

    /// <summary>Whether the two can be rows of one.</summary>
    public bool FitsBeside(Conditioning other) => Context.shape.SequenceEqual(other.Context.shape);

    public void Dispose()
    {
        Context.Dispose();
        Pooled?.Dispose();
    }
}
