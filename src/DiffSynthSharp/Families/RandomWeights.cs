using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>Random numbers in place of trained weights, to measure speed and memory where no checkpoint is at hand.</summary>
internal static class RandomWeights
{
    /// <summary>Fills every parameter: norms with ones, all else evenly around 0, less the more inputs a layer has.</summary>
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
                var value = leaf is GroupNorm or LayerNorm && name == "weight" ? ones(parameter.shape) : rand(parameter.shape, generator: generator).sub_(0.5).mul_(2 * Spread(parameter.shape));
                leaf.Assign(name, value);
            }
        }
    }

    /// <summary>The largest magnitude of a random weight: one over the root of the layer's inputs.</summary>
    public static double Spread(long[] shape) => 1 / Math.Sqrt(Math.Max(1, shape.Skip(1).Aggregate(1L, (a, b) => a * b)));
}
