using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>
/// Standard normal noise for a batch. Each picture has its own generator, so picture k depends on its own seed and never on the batch.
/// </summary>
/// <remarks>The numbers are PyTorch's: <c>torch.randn(1, c, h, w)</c> of a CPU generator, in float32.</remarks>
internal sealed class NoiseSource : IDisposable
{
    private readonly Generator[] _generators = [];
    private readonly IReadOnlyList<Tensor>? _recorded;
    private long[] _shape = [];

    /// <param name="seeds">One per picture; PyTorch's generator uses the low 32 bits.</param>
    /// <param name="shapeOfOne">Channels, height and width of one picture's latents.</param>
    public NoiseSource(IReadOnlyList<long> seeds, ReadOnlySpan<long> shapeOfOne)
    {
        _shape = [1, .. shapeOfOne];
        _generators = [.. seeds.Select(seed => new Generator(unchecked((ulong)seed), CPU))];
    }

    private NoiseSource(IReadOnlyList<Tensor> recorded) => _recorded = recorded;

    /// <summary>How often noise was drawn.</summary>
    public int Drawn { get; private set; }

    /// <summary>Gives these tensors, one after the other, instead of drawing. They stay the caller's.</summary>
    public static NoiseSource Replay(IReadOnlyList<Tensor> recorded) => new(recorded);

    /// <summary>Goes on drawing noise of another size from the same generators.</summary>
    /// <param name="shapeOfOne">Channels, height and width of one picture's latents.</param>
    public void Reshape(ReadOnlySpan<long> shapeOfOne) => _shape = [1, .. shapeOfOne];

    /// <summary>The next noise.</summary>
    /// <returns>(n, c, h, w) float32 on the CPU</returns>
    public Tensor Next()
    {
        var index = Drawn++;
        if (_recorded is not null)
            return index < _recorded.Count ? _recorded[index].alias()
                : throw new InvalidOperationException($"The sampler asks for noise number {index + 1}; {_recorded.Count} were recorded.");
        using var scope = NewDisposeScope();
        return cat([.. _generators.Select(generator => randn(_shape, float32, CPU, generator: generator))]).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (var generator in _generators) generator.Dispose();
    }
}
