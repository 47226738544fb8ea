using DiffSynthSharp.Layers;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>What a call of <see cref="T5Encoder"/> takes.</summary>
internal static class T5Cost
{
    /// <param name="config">The network's sizes.</param>
    /// <param name="length">Tokens of the row.</param>
    public static NetworkCost Of(T5Config config, long length)
    {
        var (d, inner, heads) = (config.Width, config.Inner, config.Heads * config.HeadWidth);
        var block = length * (4 * d * heads + 3 * d * inner) + 2 * length * length * heads;
        var (tokens, attended) = (NetworkCost.Bytes(length * d), NetworkCost.Bytes(length * heads));
        // the states, a norm, queries twice, keys, values and what was attended
        var attention = 3 * tokens + 5 * attended;
        // the states three times, a norm, the output; gate before and after its GELU, and the values
        var feedForward = 5 * tokens + 3 * NetworkCost.Bytes(length * inner);
        return new(OperationCount.Product(1, config.Blocks * block, 1), NetworkCost.Bytes(config.Heads * length * length) + Math.Max(attention, feedForward));
    }
}
