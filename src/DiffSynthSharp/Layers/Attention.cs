using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>Multi-head attention, the one door to the kernel.</summary>
internal static class Attention
{
    /// <summary><c>softmax(Q Kᵀ / √d) V</c> per head.</summary>
    /// <param name="query">(B, N, heads·d)</param>
    /// <param name="key">(B, M, heads·d)</param>
    /// <param name="value">(B, M, heads·d)</param>
    /// <param name="heads">Number of heads; divides the width.</param>
    /// <param name="causal">Whether a token sees itself and earlier ones only.</param>
    /// <returns>(B, N, heads·d)</returns>
    public static Tensor MultiHead(Tensor query, Tensor key, Tensor value, long heads, bool causal = false)
    {
        OperationCount.AddProduct(query.shape[0] * query.shape[1], query.shape[2], 2 * key.shape[1]); // scores and their weighted sum
        using var scope = NewDisposeScope();
        var attended = nn.functional.scaled_dot_product_attention(
            SplitHeads(query, heads), SplitHeads(key, heads), SplitHeads(value, heads), is_casual: causal); // (B, heads, N, d)
        return attended.transpose(1, 2).reshape(query.shape).to(query.dtype).MoveToOuterDisposeScope();
    }

    /// <summary><c>softmax(Q Kᵀ + bias) V</c> per head: the scores are not divided by √d.</summary>
    /// <param name="query">(B, N, heads·d)</param>
    /// <param name="key">(B, M, heads·d)</param>
    /// <param name="value">(B, M, heads·d)</param>
    /// <param name="heads">Number of heads; divides the width.</param>
    /// <param name="bias">What is added to the scores, broadcastable to (B, heads, N, M).</param>
    /// <returns>(B, N, heads·d)</returns>
    public static Tensor Biased(Tensor query, Tensor key, Tensor value, long heads, Tensor bias)
    {
        OperationCount.AddProduct(query.shape[0] * query.shape[1], query.shape[2], 2 * key.shape[1]);
        using var scope = NewDisposeScope();
        // The kernel always divides by √d, so the queries are multiplied by it before.
        var unscaled = query * Math.Sqrt(query.shape[2] / (double)heads);
        var attended = nn.functional.scaled_dot_product_attention(
            SplitHeads(unscaled, heads), SplitHeads(key, heads), SplitHeads(value, heads), attn_mask: bias); // (B, heads, N, d)
        return attended.transpose(1, 2).reshape(query.shape).to(query.dtype).MoveToOuterDisposeScope();
    }

    // libtorch's attention in half precision is slower on the CPU than in float32, its gradient several times so.
    private static Tensor SplitHeads(Tensor x, long heads)
    {
        var split = x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2); // (B, heads, N, d)
        return split.device.type == TorchSharp.DeviceType.CPU && split.dtype is ScalarType.BFloat16 or ScalarType.Float16 ? split.to(ScalarType.Float32) : split;
    }
}
