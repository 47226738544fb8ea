using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Builds a network from a golden's synthetic checkpoint, the way a user's file is loaded.</summary>
internal static class NetworkGolden
{
    /// <summary>The component behind the first prefix under which the layout is recognised.</summary>
    public static ComponentWeights Component(WeightFile file, IEnumerable<string> prefixes, Func<IReadOnlyCollection<string>, KeyMap?> map)
        => prefixes.Select(prefix => ComponentWeights.Find(file, prefix, map)).OfType<ComponentWeights>().First();

    /// <summary>A filled network.</summary>
    public static T Fill<T>(T network, ComponentWeights weights) where T : nn.Module
    {
        WeightLoader.Fill(network, weights, typeof(T).Name, CPU);
        return network;
    }
}
