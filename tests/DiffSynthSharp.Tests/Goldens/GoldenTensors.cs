using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>The tensors of a recorded case; those that were read are freed with it.</summary>
public sealed class GoldenTensors(string path) : IDisposable
{
    private readonly WeightFile _file = WeightFile.Open(path);
    private readonly Dictionary<string, Tensor> _read = [];

    public IEnumerable<string> Names => _file.Entries.Keys;

    /// <summary>Names of the recorded outputs.</summary>
    public IEnumerable<string> Outputs => Names.Where(name => name.StartsWith("out.", StringComparison.Ordinal));

    public bool Has(string name) => _file.Entries.ContainsKey(name);

    public Tensor this[string name]
    {
        get
        {
            if (_read.TryGetValue(name, out var known)) return known;
            var tensor = _file.Read(name);
            tensor.DetachFromDisposeScope();
            return _read[name] = tensor;
        }
    }

    public void Dispose()
    {
        foreach (var tensor in _read.Values) tensor.Dispose();
        _file.Dispose();
    }
}
