using static TorchSharp.torch;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>Lets the weights of a prompt's words act on the encoded text.</summary>
/// <remarks>AUTOMATIC1111/stable-diffusion-webui 1.10, modules/sd_emphasis.py ("Original" and "No norm").</remarks>
internal static class PromptEmphasis
{
    /// <summary>Multiplies each token's state by its weight and, unless the mean is kept as it comes, brings the mean of everything back to what it was.</summary>
    /// <param name="states">(B, N, width)</param>
    /// <param name="weights">(B, N)</param>
    /// <param name="mean">What becomes of the mean.</param>
    /// <returns>(B, N, width)</returns>
    public static Tensor Apply(Tensor states, Tensor weights, EmphasisMean mean)
    {
        using var scope = NewDisposeScope();
        var weighted = states * weights.unsqueeze(-1);
        if (mean == EmphasisMean.Kept) return weighted.MoveToOuterDisposeScope();
        var after = weighted.mean();
        // Weights that take everything away leave no mean to bring back.
        if (after.item<float>() == 0) return weighted.MoveToOuterDisposeScope();
        return (weighted * (states.mean() / after)).MoveToOuterDisposeScope();
    }
}
