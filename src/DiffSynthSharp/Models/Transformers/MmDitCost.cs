using DiffSynthSharp.Layers;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>What a call of <see cref="MmDit"/> takes.</summary>
internal static class MmDitCost
{
    /// <param name="config">The network's sizes.</param>
    /// <param name="image">Tokens of the picture, N.</param>
    /// <param name="text">Tokens of the text, M.</param>
    /// <param name="rows">Rows of the batch, B.</param>
    public static NetworkCost Of(MmDitConfig config, long image, long text, long rows = 1) => new(Operations(config, image, text, rows), Activations(config, image, text, rows));

    private static long Operations(MmDitConfig config, long image, long text, long rows)
    {
        var (d, inner, patch) = (config.Width, config.Inner, config.Channels * config.Patch * config.Patch);
        var ends = (config.FrequencyWidth + config.PooledWidth + 2 * d) * d + text * config.ContextWidth * d + 2 * image * patch * d + 2 * d * d;
        long Stream(long tokens) => 6 * d * d + tokens * (4 * d * d + 2 * d * inner);
        var joint = 2 * (image + text) * (image + text) * d;
        var dual = 3 * d * d + image * 4 * d * d + 2 * image * image * d;
        // The last block makes queries, keys and values of the text and no more of it.
        var last = Stream(text) - (2 * d * d + text * 3 * d * d);
        return OperationCount.Product(rows, ends + config.Depth * (Stream(image) + Stream(text) + joint) - last + config.DualBlocks * dual, 1);
    }

    private static long Activations(MmDitConfig config, long image, long text, long rows)
    {
        var (n, m, d) = (rows * image, rows * text, config.Width);
        var (imageTokens, textTokens, allTokens) = (NetworkCost.Bytes(n * d), NetworkCost.Bytes(m * d), NetworkCost.Bytes((n + m) * d));
        var streams = imageTokens + textTokens;
        // streams, the fused products, queries and keys where norms made new ones, and the three joined
        var attention = (config.HasNormedHeads ? 3 : 1) * streams + NetworkCost.Bytes(3 * n * d, 3 * m * d) + 3 * allTokens;
        // streams, the modulated picture, its fused product, its queries, and a norm at work on its keys
        var norms = streams + NetworkCost.Bytes(3 * n * d) + (config.HasNormedHeads ? 5 : 1) * imageTokens;
        // streams, what was attended, the new text; of the picture: summed, modulated, the inner layer before and after its GELU
        var mlp = streams + allTokens + textTokens + 2 * imageTokens + 2 * NetworkCost.Bytes(n * config.Inner);
        return Math.Max(Math.Max(attention, norms), mlp);
    }
}
