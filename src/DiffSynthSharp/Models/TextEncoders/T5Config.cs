using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>Sizes of a T5 v1.1 encoder.</summary>
/// <param name="Vocabulary">Rows of the token table.</param>
/// <param name="Width">Width of a token.</param>
/// <param name="Inner">Width inside the feed-forward part.</param>
/// <param name="Blocks">Transformer blocks.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="HeadWidth">Width of a head; heads times this may differ from the width of a token.</param>
/// <param name="Buckets">Kinds of distances between two tokens that the position bias tells apart.</param>
/// <param name="MaxDistance">Distances from here on share a bucket.</param>
/// <param name="Epsilon">Of the norms.</param>
internal sealed record T5Config(
    long Vocabulary, long Width, long Inner, int Blocks, long Heads, long HeadWidth, long Buckets = 32, long MaxDistance = 128, double Epsilon = 1e-6)
{
    /// <summary>Every size from the tensors' shapes; what shapes don't say from the folder's configuration, where there is one.</summary>
    /// <param name="weights">The encoder's tensors.</param>
    /// <param name="file">The folder's <c>config.json</c>; null for single files.</param>
    /// <remarks>Blocks count up to the highest number, to the configuration's when it says more, and in a single file of T5-XXL's width to its 24: a block that is missing is then reported by name.</remarks>
    /// <exception cref="DiffSynthException">A tensor that tells a size is missing, or the configuration means another network.</exception>
    public static T5Config Detect(ComponentWeights weights, ConfigFile? file = null)
    {
        if (file?.Text("feed_forward_proj") is { } kind and not ("gated-gelu" or "gated-gelu_new"))
            throw new DiffSynthException($"'{file.Path}': feed_forward_proj '{kind}' is not T5 v1.1's; expected gated-gelu.");
        const string attention = "encoder.block.0.layer.0.SelfAttention.";
        var names = (IReadOnlyCollection<string>)[.. weights.Shapes.Keys];
        var told = file is not null ? Math.Min(file.Whole("num_layers") ?? 0, MostBlocks) : weights.Side("shared.weight", 1) == WidthOfXxl ? BlocksOfXxl : 0;
        var blocks = Math.Max(NameCount.Deepest(names, "encoder.block."), told);
        var (buckets, heads) = (weights.Side($"{attention}relative_attention_bias.weight", 0), weights.Side($"{attention}relative_attention_bias.weight", 1));
        if (buckets < 4 || heads < 1 || weights.Side($"{attention}q.weight", 0) % heads != 0)
            throw new DiffSynthException($"'{weights.Origin}' has a T5 position table of {buckets} × {heads}, which doesn't fit its attention of width {weights.Side($"{attention}q.weight", 0)}.");
        var maxDistance = file?.Whole("relative_attention_max_distance") ?? 128;
        if (maxDistance <= buckets / 4) throw new DiffSynthException($"'{file?.Path}': relative_attention_max_distance is {maxDistance}, expected more than {buckets / 4}.");
        return new(
            weights.Side("shared.weight", 0), weights.Side("shared.weight", 1), weights.Side("encoder.block.0.layer.1.DenseReluDense.wi_0.weight", 0), (int)blocks,
            heads, weights.Side($"{attention}q.weight", 0) / heads, buckets, maxDistance, file?.Number("layer_norm_epsilon") ?? 1e-6);
    }

    private const long WidthOfXxl = 4096, BlocksOfXxl = 24;

    // The largest published T5 has 24; a configuration is not trusted with more than a machine can hold anyway.
    private const long MostBlocks = 256;
}
