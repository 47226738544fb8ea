using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>Random numbers in place of trained weights, to measure speed and memory where no checkpoint is at hand.</summary>
internal static class RandomWeights
{
    private const double BiasSpread = 0.01;

    /// <summary>Fills every parameter with numbers of its <see cref="RangeOf"/>.</summary>
    /// <param name="network">Its parameters lie on META.</param>
    /// <param name="generator">Gives the numbers.</param>
    public static void Fill(nn.Module network, Generator generator)
    {
        foreach (var (_, module) in network.named_modules())
        {
            if (module is not Leaf leaf) continue;
            foreach (var (name, parameter) in leaf.named_parameters(recurse: false).ToList())
            {
                using var scope = NewDisposeScope();
                var (middle, spread) = RangeOf(leaf, name, parameter.shape);
                leaf.Assign(name, rand(parameter.shape, generator: generator).sub_(0.5).mul_(2 * spread).add_(middle));
            }
        }
    }

    /// <summary>What a parameter is drawn from, evenly: middle ± spread, so that values keep their size from layer to layer and overflow nowhere.</summary>
    /// <param name="leaf">The layer that has it.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="shape">Its shape.</param>
    /// <returns>1 ± 0 for the gain of a norm, else around 0: a little for biases, and for weights the less the more inputs the layer has.</returns>
    public static (double Middle, double Spread) RangeOf(Leaf leaf, string name, long[] shape)
        => leaf is GroupNorm or LayerNorm or RmsNorm or HeadNorm && name != "bias" ? (1, 0)
            : (0, shape.Length == 1 ? BiasSpread : 1 / Math.Sqrt(Math.Max(1, shape.Skip(1).Aggregate(1L, (a, b) => a * b))));
}
