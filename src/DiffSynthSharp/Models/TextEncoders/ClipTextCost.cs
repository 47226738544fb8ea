using DiffSynthSharp.Layers;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>What a call of <see cref="ClipTextEncoder"/> takes.</summary>
internal static class ClipTextCost
{
    /// <param name="config">The network's sizes.</param>
    /// <param name="projects">Whether the pooled vector goes through the projection.</param>
    /// <param name="rows">Rows of tokens, each as long as the encoder takes.</param>
    public static NetworkCost Of(ClipTextConfig config, bool projects, long rows = 1)
    {
        var (n, d, inner) = (config.Positions, config.Width, config.Inner);
        var layer = n * (4 * d * d + 2 * d * inner) + 2 * n * n * d;
        var operations = OperationCount.Product(rows, config.Layers * layer + (projects ? d * config.Projection : 0), 1);
        // the states of all layers; in a layer what is added up, its norms, and the feed-forward part
        var activations = (config.Layers + 5) * NetworkCost.Bytes(rows * n * d) + (config.QuickGelu ? 4 : 2) * NetworkCost.Bytes(rows * n * inner);
        return new(operations, activations);
    }
}
