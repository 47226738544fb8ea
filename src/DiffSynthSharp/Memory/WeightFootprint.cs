using System.Numerics;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Memory;

/// <summary>What the weights of a network will take on the CPU.</summary>
/// <param name="Allocated">Bytes in memory of their own, from loading on.</param>
/// <param name="Copied">Bytes of the file that these are made of.</param>
/// <param name="Mapped">Bytes that are used over the file, in resident memory from their first use on.</param>
/// <param name="Streamed">Bytes that are read from the file in every pass.</param>
/// <param name="Working">Most bytes at once of those that are read in every pass and of what is widened or arranged for one use.</param>
/// <param name="Widened">Most bytes that are widened or arranged for one use.</param>
internal readonly record struct WeightFootprint(long Allocated, long Copied, long Mapped, long Streamed, long Working, long Widened)
{
    /// <summary>Weighs a network without reading its tensors.</summary>
    /// <param name="network">Its parameters lie on META; disposed here.</param>
    /// <param name="weights">Its tensors.</param>
    /// <param name="what">What to call the network in an error.</param>
    /// <param name="decide">The loader's own decision.</param>
    /// <exception cref="DiffSynthException">A tensor is missing, unknown or of another shape; the message names it.</exception>
    public static WeightFootprint Of(
        nn.Module network, ComponentWeights weights, string what, Func<IReadOnlyList<StoredParameter>, IReadOnlyList<WeightDecision>> decide)
    {
        using var owned = network;
        var opened = WeightLoader.Open(network, weights, what);
        try
        {
            return Of(decide(opened));
        }
        finally
        {
            foreach (var parameter in opened) parameter.Weight.Dispose();
        }
    }

    /// <summary>Weighs a network of random float32 weights.</summary>
    /// <param name="network">Its parameters lie on META; disposed here.</param>
    public static WeightFootprint OfRandom(nn.Module network)
    {
        using var owned = network;
        return new(network.named_parameters().Sum(parameter => CachingAllocator.BytesFor(sizeof(float) * parameter.parameter.numel())), 0, 0, 0, 0, 0);
    }

    private static WeightFootprint Of(IReadOnlyList<WeightDecision> decisions)
    {
        var (allocated, copied, mapped, streamed) = (0L, 0L, 0L, 0L);
        foreach (var (parameter, form) in decisions)
        {
            if (form == WeightForm.Held) mapped += parameter.Weight.StoredBytes;
            else if (form == WeightForm.Streamed) streamed += parameter.Weight.StoredBytes;
            else if (parameter.LiesInFile(form == WeightForm.Converted)) mapped += parameter.Leaf.UsesAll ? parameter.Weight.StoredBytes : 0;
            else
            {
                allocated += CachingAllocator.BytesFor(parameter.PlacedBytes(form == WeightForm.Converted));
                copied += parameter.Weight.StoredBytes;
            }
        }
        var widened = decisions.Select(decision => UseBytes(decision.Parameter, decision.Form)).DefaultIfEmpty(0).Max();
        return new(allocated, copied, mapped, streamed, Math.Max(widened, WorkingBytes([.. decisions.Where(decision => decision.Form is WeightForm.Held or WeightForm.Streamed)])), widened);
    }

    // One weight is computed with while the next of those that layers hold is read; behind the last one the next pass begins.
    private static long WorkingBytes(IReadOnlyList<WeightDecision> held)
    {
        long Read(int i) => held[i % held.Count] is { Form: WeightForm.Streamed, Parameter.Weight.StoredBytes: var bytes } ? bytes : 0;
        return Enumerable.Range(0, held.Count).Select(i => Read(i) + (held.Count > 1 ? Read(i + 1) : 0) + UseBytes(held[i].Parameter, held[i].Form)).DefaultIfEmpty(0).Max();
    }

    private static long UseBytes(StoredParameter parameter, WeightForm form) => WidenedBytes(parameter, form) + Linear.ArrangedBytes(parameter.Leaf, parameter.Weight.Elements);

    // Large linear layers widen a panel at a time; tables widen the rows that are asked for.
    private static long WidenedBytes(StoredParameter parameter, WeightForm form)
    {
        var elements = parameter.Weight.Elements;
        if (!parameter.Leaf.UsesAll || form == WeightForm.Converted) return 0;
        if (form == WeightForm.Kept) return parameter.PlacedBytes(false) == parameter.ConvertedBytes ? 0 : parameter.ConvertedBytes;
        if (form == WeightForm.Held && parameter.Weight.IsReady(ScalarType.Float32) && !parameter.Leaf.Rearranges(parameter.Name)) return 0;
        if (parameter.Leaf is Linear && elements > Linear.PanelElements) elements = Linear.PanelElements;
        else if (elements <= Linear.PanelElements) elements = (long)BitOperations.RoundUpToPowerOf2((ulong)elements);
        return sizeof(float) * elements + (parameter.Leaf.Rearranges(parameter.Name) ? parameter.ConvertedBytes : 0);
    }
}
