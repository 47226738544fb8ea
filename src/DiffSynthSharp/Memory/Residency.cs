using DiffSynthSharp.Layers;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Memory;

/// <summary>Decides for each layer of a model's networks whether its weights are converted once, kept as stored, or read at every use.</summary>
/// <remarks>The budget is that of one network: those of a model take turns, and <see cref="ResidentNetwork{T}.Release"/> makes room for the next.</remarks>
/// <param name="device">Where networks compute.</param>
/// <param name="plan">The mode, and the budget of mode low.</param>
internal sealed class Residency(Device device, MemoryPlan plan)
{
    /// <summary>Mode low: while one weight is computed with, the next is read.</summary>
    private const int WeightsInFlight = 2;

    /// <summary>The mode and the budget.</summary>
    public MemoryPlan Plan => plan;

    /// <summary>Networks whose float32 weights stay under this, and under half of the budget, are converted once in any mode.</summary>
    public long SmallNetworkBytes { get; init; } = WeightLoader.KeepConvertedBytes;

    /// <summary>Parameters that take less than this in float32 are converted once in any mode.</summary>
    public long SmallParameterBytes { get; init; } = WeightLoader.SmallBytes;

    /// <summary>Fills a network.</summary>
    /// <param name="network">Its parameters lie on META; owned by the result, also when this fails.</param>
    /// <param name="weights">Its tensors; their source may be closed afterwards.</param>
    /// <param name="what">What to call the network in an error.</param>
    /// <param name="loaded">Told after each tensor.</param>
    /// <exception cref="DiffSynthException">A tensor is missing, unknown or of another shape; the message names it.</exception>
    /// <exception cref="OperationCanceledException">The thread's job was cancelled.</exception>
    public ResidentNetwork<T> Load<T>(T network, ComponentWeights weights, string what, Action? loaded = null)
        where T : nn.Module
    {
        IReadOnlyList<StoredParameter> opened = [];
        try
        {
            opened = WeightLoader.Open(network, weights, what);
            var order = new ReadAhead();
            var decisions = Decide(opened);
            var streamed = Hold(decisions, order);
            var placed = decisions.Where(decision => decision.Form is WeightForm.Converted or WeightForm.Kept)
                .Select(decision => new PlacedParameter(decision.Parameter, decision.Form == WeightForm.Converted)).ToList();
            foreach (var _ in streamed) loaded?.Invoke();
            foreach (var (parameter, isConverted) in placed)
            {
                BlockBorder.Cross();
                parameter.Place(device, isConverted);
                loaded?.Invoke();
            }
            CachingAllocator.Trim(); // what arranging the weights left behind
            return new ResidentNetwork<T>(network, device, placed, streamed, order);
        }
        catch
        {
            foreach (var parameter in opened)
                if (!parameter.Leaf.Holds(parameter.Name)) parameter.Weight.Dispose();
            network.Dispose();
            throw;
        }
    }

    // Small networks are fast at little cost; on a GPU that a large one is to fill, it stays in its stored type.
    private bool Converts(IReadOnlyList<StoredParameter> parameters)
    {
        var bytes = parameters.Sum(parameter => parameter.ConvertedBytes);
        return bytes <= Math.Min(SmallNetworkBytes, plan.Budget / 2) || plan.Mode == MemoryMode.Full && device.type == TorchSharp.DeviceType.CPU;
    }

    /// <summary>In what form each parameter of a network is to be.</summary>
    public IReadOnlyList<WeightDecision> Decide(IReadOnlyList<StoredParameter> parameters)
    {
        if (Converts(parameters)) return [.. parameters.Select(parameter => new WeightDecision(parameter, WeightForm.Converted))];
        var held = plan.Mode == MemoryMode.Full ? [] : parameters.Where(IsHeld).ToList();
        var room = Room(parameters, held);
        WeightForm FormOf(StoredParameter parameter)
        {
            if (plan.Mode == MemoryMode.Full || !IsHeld(parameter)) return IsSmall(parameter) ? WeightForm.Converted : WeightForm.Kept;
            if (parameter.Weight.StoredBytes > room) return WeightForm.Streamed;
            room -= parameter.Weight.StoredBytes;
            return WeightForm.Held;
        }
        return [.. parameters.Select(parameter => new WeightDecision(parameter, FormOf(parameter)))];
    }

    // Gives layers the stored forms that they are to compute from.
    private List<StreamedWeight> Hold(IReadOnlyList<WeightDecision> decisions, ReadAhead order)
    {
        var streamed = new List<StreamedWeight>();
        foreach (var (parameter, form) in decisions.Where(decision => decision.Form is WeightForm.Held or WeightForm.Streamed))
        {
            var weight = new StreamedWeight(parameter.Weight, order, stays: form == WeightForm.Held) { Device = device };
            parameter.Leaf.Hold(parameter.Name, weight);
            if (streamed.Count > 0) streamed[^1].Next = weight;
            streamed.Add(weight);
        }
        return streamed;
    }

    private bool IsHeld(StoredParameter parameter)
        => !IsSmall(parameter) && (plan.Mode == MemoryMode.Low ? parameter.Leaf.CanHold(parameter.Name) : parameter.CanStay);

    private bool IsSmall(StoredParameter parameter) => parameter.ConvertedBytes < SmallParameterBytes;

    // Bytes for weights that stay, once there is room for what is converted anyway and for the weights in flight.
    private long Room(IReadOnlyList<StoredParameter> parameters, List<StoredParameter> held)
    {
        if (plan.Mode != MemoryMode.Low) return long.MaxValue;
        if (held.Sum(parameter => parameter.Weight.StoredBytes) is var all && all <= plan.Budget - Other(parameters, held)) return all;
        var largest = held.Select(parameter => parameter.Weight.StoredBytes).DefaultIfEmpty(0).Max();
        return plan.Budget - Other(parameters, held) - WeightsInFlight * largest;
    }

    private static long Other(IReadOnlyList<StoredParameter> parameters, List<StoredParameter> held)
        => parameters.Sum(parameter => parameter.ConvertedBytes) - held.Sum(parameter => parameter.ConvertedBytes) + sizeof(float) * Linear.PanelElements;
}
