using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.Optimization;

/// <summary>First values of a network that is trained from nothing.</summary>
/// <remarks>
/// PyTorch's own defaults for linear and convolution layers (uniform within ±1/√fan-in), N(0, 0.02) for embeddings (CLIP), and zeros for the
/// layers that end a residual branch (CompVis/stable-diffusion, zero_module), so that a network begins as its skips.
/// </remarks>
internal static class RandomInitializer
{
    private const double EmbeddingDeviation = 0.02;

    /// <param name="parameters">The parameters to fill.</param>
    /// <param name="zeroed">Names of modules whose weights begin at zero, as suffixes of their path.</param>
    /// <param name="networks">The same networks, for the paths.</param>
    /// <param name="seed">Decides every value.</param>
    public static void Fill(FlatParameters parameters, IReadOnlyList<string> zeroed, long seed, params nn.Module[] networks)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var generator = new Generator((ulong)seed);
        var paths = networks.SelectMany(network => network.named_modules()).Where(module => module.module is Leaf)
            .ToDictionary(module => (Leaf)module.module, module => module.name);
        foreach (var (leaf, name, value) in parameters.Each())
        {
            var isZero = zeroed.Any(suffix => paths[leaf].EndsWith(suffix, StringComparison.Ordinal));
            value.copy_(leaf switch
            {
                GroupNorm or LayerNorm => name == "weight" ? ones(value.shape) : zeros(value.shape),
                Embedding => randn(value.shape, generator: generator) * EmbeddingDeviation,
                _ when isZero => zeros(value.shape),
                _ => (rand(value.shape, generator: generator) * 2 - 1) / Math.Sqrt(FanIn(leaf)),
            });
        }
    }

    private static double FanIn(Leaf leaf)
        => leaf.named_parameters(recurse: false).First(parameter => parameter.name == "weight").parameter.shape.Skip(1).Aggregate(1L, (a, b) => a * b);
}
