using DiffSynthSharp.Layers;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Memory;

/// <summary>A parameter that lies in memory.</summary>
/// <param name="Stored">What its checkpoint has for it.</param>
/// <param name="IsConverted">Whether it is float32 whatever its stored type.</param>
internal readonly record struct PlacedParameter(StoredParameter Stored, bool IsConverted);

/// <summary>A network and the memory of its weights: it can be let go of while others compute, and comes back when it is used again.</summary>
internal sealed class ResidentNetwork<T> : IDisposable
    where T : nn.Module
{
    private readonly T _network;
    private readonly Device _device;
    private readonly IReadOnlyList<PlacedParameter> _placed;
    private readonly IReadOnlyList<StreamedWeight> _streamed;
    private readonly ReadAhead _order;
    private bool _released;
    private bool _disposed;

    /// <param name="network">Filled; owned by this.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="placed">Parameters that were assigned, with their stored forms; owned by this.</param>
    /// <param name="streamed">Parameters that layers hold.</param>
    /// <param name="order">Reads the latter.</param>
    public ResidentNetwork(T network, Device device, IReadOnlyList<PlacedParameter> placed, IReadOnlyList<StreamedWeight> streamed, ReadAhead order)
        => (_network, _device, _placed, _streamed, _order) = (network, device, placed, streamed, order);

    /// <summary>The network, ready to compute: weights that were released are read again. Ask for it before each run, don't keep it.</summary>
    public T Network
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_released) Restore();
            return _network;
        }
    }

    /// <summary>Time that layers waited for weights that were not in memory yet.</summary>
    public TimeSpan Waited => _order.Waited;

    /// <summary>Bytes that were read for layers that hold their weights as stored.</summary>
    public long BytesRead => _order.BytesRead;

    /// <summary>Bytes of weights that are read at every use.</summary>
    public long StreamedBytes => _streamed.Where(weight => !weight.Stays).Sum(weight => weight.StoredBytes);

    /// <summary>Gives the memory of the weights back to the system. Adapters stay attached.</summary>
    public void Release()
    {
        if (_released || _disposed) return;
        foreach (var weight in _streamed) _order.Drop(weight);
        foreach (var (parameter, _) in _placed)
        {
            parameter.Leaf.Empty(parameter.Name);
            parameter.Weight.DropPages();
        }
        CachingAllocator.Trim();
        _released = true;
    }

    private void Restore()
    {
        foreach (var (parameter, isConverted) in _placed)
        {
            BlockBorder.Cross();
            parameter.Place(_device, isConverted);
        }
        CachingAllocator.Trim();
        _released = false;
    }

    /// <summary>Frees the network.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _network.Dispose();
        foreach (var (parameter, _) in _placed) parameter.Weight.Dispose();
    }
}
