using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Benchmarking;

/// <summary>Random numbers for the tensors of one file. They are drawn once and repeated: drawing each of twelve billion would take longer than writing them.</summary>
internal sealed class RandomNumbers : IDisposable
{
    private const long Most = 1 << 24;
    private readonly Dictionary<(double Middle, double Spread), long> _needed;
    private readonly Dictionary<(double Middle, double Spread), Tensor> _scaled = [];
    private readonly Tensor _drawn;
    private readonly ScalarType _type;

    /// <param name="tensors">All that will be asked for.</param>
    /// <param name="type">Of all but those that count.</param>
    public RandomNumbers(IReadOnlyCollection<PublishedTensor> tensors, StoredType type)
    {
        _type = type.Scalar();
        _needed = tensors.GroupBy(Range).ToDictionary(group => group.Key, group => Math.Min(Most, group.Max(Elements)));
        using var generator = new Generator(0);
        using var scope = NewDisposeScope();
        _drawn = rand([_needed.Values.Max()], generator: generator).sub_(0.5).mul_(2).DetachFromDisposeScope();
    }

    /// <summary>A tensor's numbers. The caller disposes them.</summary>
    public Tensor For(PublishedTensor tensor)
    {
        using var scope = NewDisposeScope();
        var count = Elements(tensor);
        if (tensor.Counts) return arange(count, ScalarType.Int64).view(tensor.Shape).MoveToOuterDisposeScope();
        if (!_scaled.TryGetValue(Range(tensor), out var numbers))
            _scaled[Range(tensor)] = numbers = _drawn.narrow(0, 0, _needed[Range(tensor)]).mul(tensor.Spread).add_(tensor.Middle).to(_type).DetachFromDisposeScope();
        var times = (int)((count + numbers.shape[0] - 1) / numbers.shape[0]);
        return (times == 1 ? numbers : cat([.. Enumerable.Repeat(numbers, times)])).narrow(0, 0, count).view(tensor.Shape).MoveToOuterDisposeScope();
    }

    private static (double Middle, double Spread) Range(PublishedTensor tensor) => (tensor.Middle, tensor.Spread);

    private static long Elements(PublishedTensor tensor) => tensor.Shape.Aggregate(1L, (product, side) => product * side);

    public void Dispose()
    {
        _drawn.Dispose();
        foreach (var numbers in _scaled.Values) numbers.Dispose();
    }
}
