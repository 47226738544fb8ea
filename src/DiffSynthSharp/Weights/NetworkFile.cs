using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>Files that hold one network and nothing else.</summary>
internal static class NetworkFile
{
    /// <summary>Builds a network of a file's sizes and fills it.</summary>
    /// <param name="source">The file; it may be closed afterwards.</param>
    /// <param name="prefixes">What may stand before the tensors' names; the first under which the layout is recognised counts.</param>
    /// <param name="keys">The layout that names follow, or null when they are another network's.</param>
    /// <param name="create">Builds the network, its parameters on META.</param>
    /// <param name="what">What to call the network in an error.</param>
    /// <param name="device">Where the weights go.</param>
    /// <returns>The network, or null when the file holds another.</returns>
    /// <exception cref="DiffSynthException">A tensor is missing, unknown or of another shape; the message names it.</exception>
    public static T? TryLoad<T>(
        ITensorSource source, IEnumerable<string> prefixes, Func<IReadOnlyCollection<string>, KeyMap?> keys, Func<ComponentWeights, T> create, string what, Device device)
        where T : nn.Module
    {
        var weights = prefixes.Select(prefix => ComponentWeights.Find(source, prefix, keys)).FirstOrDefault(found => found is not null);
        if (weights is null) return null;
        var network = create(weights);
        try
        {
            WeightLoader.Fill(network, weights, what, device);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }
}
