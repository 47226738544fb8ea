using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>An adapter on a model. Disposing it takes it off again, after which the model computes exactly what it did before.</summary>
/// <remarks>Weights are neither copied nor changed; several adapters add up in any order.</remarks>
internal sealed class LoraAttachment : IDisposable
{
    private readonly List<(Leaf Leaf, LeafDelta Delta)> _attached = [];

    private LoraAttachment(LoraLedger ledger) => Ledger = ledger;

    /// <summary>What matched and what did not.</summary>
    public LoraLedger Ledger { get; private set; }

    /// <summary>Puts an adapter on the layers that it names; what has no layer is in the ledger.</summary>
    /// <param name="networks">The model's networks.</param>
    /// <param name="file">The adapter; it may be disposed afterwards.</param>
    /// <param name="scale">1 is as trained, 0 has no effect, below 0 is the opposite.</param>
    /// <param name="ignoreAlpha">Takes every alpha for the rank, as DiffSynth-Studio does.</param>
    /// <exception cref="DiffSynthException">The file holds values that are no numbers.</exception>
    public static LoraAttachment Attach(IReadOnlyList<AdaptedNetwork> networks, LoraFile file, double scale, bool ignoreAlpha = false)
    {
        var attachment = new LoraAttachment(new(file.Path, file.Layout, scale, file.Modules.Count) { LooksLike = LoraFamily.Guess(file.Modules) });
        try
        {
            using var scope = NewDisposeScope();
            attachment.Attach([.. networks.Select(network => new NetworkLeaves(network))], file, scale, ignoreAlpha);
            return attachment;
        }
        catch
        {
            attachment.Dispose();
            throw;
        }
    }

    /// <summary>Takes the adapter off.</summary>
    public void Dispose()
    {
        foreach (var (leaf, delta) in _attached)
        {
            leaf.Detach(delta);
            delta.Dispose();
        }
        _attached.Clear();
    }

    private void Attach(IReadOnlyList<NetworkLeaves> networks, LoraFile file, double scale, bool ignoreAlpha)
    {
        var (matched, wrong) = (new List<LoraMatch>(), new List<LoraMismatch>());
        var (unmatched, incomplete, zero) = (new List<string>(file.Strays), new List<string>(), new List<string>());
        foreach (var module in file.Modules)
        {
            if (Find(networks, module) is not var (network, canonical, leaf)) unmatched.AddRange(module.Keys);
            else if (!module.IsComplete) incomplete.AddRange(module.Keys);
            else if (new LoraDeltas(file, module, leaf.ShapeOf, leaf.Device) is var deltas && deltas.Mismatch() is var (expected, found))
                wrong.Add(new(canonical, network, expected, found, [.. module.Keys]));
            else
            {
                matched.Add(new(canonical, network, module.KindName, module.Rank, module.Alpha));
                if (deltas.IsZero(scale)) zero.Add(canonical);
                else Put(leaf, deltas.Create(scale, ignoreAlpha));
            }
        }
        Ledger = Ledger with { Matched = matched, UnmatchedKeys = unmatched, WrongShape = wrong, IncompleteKeys = incomplete, ZeroEffect = zero };
    }

    private static (string Network, string Canonical, Leaf Leaf)? Find(IReadOnlyList<NetworkLeaves> networks, LoraModule module)
    {
        foreach (var network in networks)
            if (network.Takes(module) && network.TryFind(module, out var found)) return (network.Kind, found.Canonical, found.Leaf);
        return null;
    }

    private void Put(Leaf leaf, IEnumerable<LeafDelta> deltas)
    {
        foreach (var delta in deltas)
        {
            leaf.Attach(delta);
            _attached.Add((leaf, delta));
        }
    }
}
