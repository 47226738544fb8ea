using DiffSynthSharp.Memory;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>Where the networks of a model are loaded to, how their weights are kept, and who is told.</summary>
/// <param name="device">Where the networks compute.</param>
/// <param name="residency">Keeps their weights.</param>
/// <param name="progress">Told (done, total) tensors.</param>
internal sealed class LoadContext(Device device, Residency residency, Action<int, int>? progress)
{
    private int _done;

    public Device Device => device;

    /// <summary>How weights are kept.</summary>
    public MemoryMode Mode => residency.Plan.Mode;

    /// <summary>Whether only the denoising network must be there, to be measured: what else is missing is left out, or random where it is small.</summary>
    public bool IsMeasured { get; init; }

    /// <summary>How many tensors are going to be loaded.</summary>
    public int Total { get; init; }

    /// <summary>Says that a tensor was loaded.</summary>
    public void Loaded() => progress?.Invoke(++_done, Math.Max(Total, _done));

    /// <summary>A network of random weights, for one that is missing where only others are measured.</summary>
    public ResidentNetwork<T> LoadRandom<T>(T network, List<IDisposable> owned)
        where T : nn.Module
    {
        using var generator = new Generator(0);
        RandomWeights.Fill(network, generator);
        var loaded = new ResidentNetwork<T>(network, device, [], [], new());
        owned.Add(loaded);
        return loaded;
    }

    /// <summary>Loads a network.</summary>
    /// <param name="network">Its parameters lie on META.</param>
    /// <param name="part">Its tensors.</param>
    /// <param name="kind">What to call it in an error.</param>
    /// <param name="owned">Takes the network, to be disposed when a later one can't be loaded.</param>
    public ResidentNetwork<T> Load<T>(T network, ModelPart part, PartKind kind, List<IDisposable> owned)
        where T : nn.Module
    {
        var loaded = residency.Load(network, part.Weights, kind.Name, Loaded);
        owned.Add(loaded);
        return loaded;
    }
}
