using DiffSynthSharp.Layers;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>What a call of <see cref="FluxTransformer"/> takes.</summary>
internal static class FluxCost
{
    /// <param name="config">The network's sizes.</param>
    /// <param name="image">Tokens of the picture, N.</param>
    /// <param name="text">Tokens of the text, M.</param>
    /// <param name="rows">Rows of the batch, B.</param>
    public static NetworkCost Of(FluxConfig config, long image, long text, long rows = 1) => new(Operations(config, image, text, rows), Activations(config, image, text, rows));

    private static long Operations(FluxConfig config, long image, long text, long rows)
    {
        var (d, inner, all) = (config.Width, config.Inner, image + text);
        var vectors = (config.HasGuidance ? 2 : 1) * (config.TimeWidth + d) * d + (config.PooledWidth + d) * d;
        var ends = image * d * (config.InputChannels + config.OutputChannels) + text * d * config.ContextWidth + 2 * d * d;
        var attention = 2 * all * all * d;
        var doubleBlock = 12 * d * d + all * (4 * d * d + 2 * d * inner) + attention;
        var singleBlock = 3 * d * d + all * (4 * d * d + 2 * d * inner) + attention;
        return OperationCount.Product(rows, vectors + ends + config.DoubleBlocks * doubleBlock + config.SingleBlocks * singleBlock, 1);
    }

    // Each block is largest at one of three places; what a line adds up is alive there at once.
    private static long Activations(FluxConfig config, long image, long text, long rows)
    {
        var (n, m, d) = (rows * image, rows * text, config.Width);
        var (imageTokens, textTokens, allTokens) = (NetworkCost.Bytes(n * d), NetworkCost.Bytes(m * d), NetworkCost.Bytes((n + m) * d));
        var throughout = NetworkCost.Bytes(n * config.InputChannels, (image + text) * config.HeadWidth);
        // streams, their modulated forms, queries, keys, and values that still lie in the fused products
        var attention = 4 * (imageTokens + textTokens) + NetworkCost.Bytes(3 * n * d, 3 * m * d);
        // streams, what was attended, the new text; of the picture: projected, summed, modulated, the MLP's inner layer and its output
        var mlp = imageTokens + textTokens + allTokens + textTokens + 4 * imageTokens + NetworkCost.Bytes(n * config.Inner);
        // the row, the fused product, queries and keys turned or not, what is attended
        var single = 4 * allTokens + NetworkCost.Bytes((n + m) * (3 * d + config.Inner));
        return throughout + Math.Max(config.DoubleBlocks > 0 ? Math.Max(attention, mlp) : 0, config.SingleBlocks > 0 ? single : 0);
    }
}
