using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>What a run of steps remembers so that a step may skip a network's blocks and repeat what they added last: TeaCache.</summary>
/// <param name="computes">
/// Given the relative change of the first block's input since the step before (0 at the first), whether this step's blocks are computed. Called once per step.
/// </param>
/// <remarks>Liu et al. (2024), arXiv 2411.19108. One for each picture and branch of guidance; its owner disposes it.</remarks>
internal sealed class BlockRepeats(Func<double, bool> computes) : IDisposable
{
    private Tensor? _seen;
    private Tensor? _added;

    /// <summary>Runs a network's blocks, or repeats what they added last.</summary>
    /// <param name="x">(B, N, D), what enters the blocks; freed here or by <paramref name="blocks"/>.</param>
    /// <param name="modulated">(B, N, D), as the first block's attention sees it.</param>
    /// <param name="blocks">Computes and frees what enters.</param>
    /// <returns>(B, N, D), what leaves the blocks.</returns>
    public Tensor Run(Tensor x, Tensor modulated, Func<Tensor, Tensor> blocks)
    {
        var change = ChangeSince(modulated);
        Keep(ref _seen, modulated.alias());
        if (!computes(change) && _added is not null)
            using (x) return x + _added;
        using var before = x.alias();
        var after = blocks(x);
        Keep(ref _added, after - before);
        return after;
    }

    /// <summary>Frees what was remembered.</summary>
    public void Dispose()
    {
        _seen?.Dispose();
        _added?.Dispose();
    }

    private double ChangeSince(Tensor modulated)
    {
        if (_seen is null) return 0;
        using var scope = NewDisposeScope();
        return ((modulated - _seen).abs().mean() / _seen.abs().mean()).ToDouble();
    }

    private static void Keep(ref Tensor? slot, Tensor value)
    {
        slot?.Dispose();
        slot = value.DetachFromDisposeScope();
    }
}
