using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>Clean latents, noise and what lies between, in the network's own scaling.</summary>
internal static class NoisedLatents
{
    /// <summary>Clean latents with noise of level σ.</summary>
    public static Tensor Mix(Tensor clean, Tensor noise, double sigma, LatentSpace space)
    {
        using var scope = NewDisposeScope();
        return ((clean + noise * sigma) * Denoiser.InputScale(space, sigma)).MoveToOuterDisposeScope();
    }

    /// <summary>The noise that must lie in latents if these are the clean ones.</summary>
    public static Tensor NoiseIn(Tensor latents, Tensor clean, double sigma, LatentSpace space)
    {
        using var scope = NewDisposeScope();
        return ((latents / Denoiser.InputScale(space, sigma) - clean) / sigma).MoveToOuterDisposeScope();
    }

    /// <summary>What a network should answer for such latents.</summary>
    public static Tensor Target(Prediction prediction, Tensor clean, Tensor noise, double sigma)
    {
        var scale = Denoiser.InputScale(LatentSpace.VariancePreserving, sigma);
        return prediction switch
        {
            Prediction.Epsilon => noise.alias(),
            Prediction.Sample => clean.alias(),
            Prediction.Flow => noise - clean,
            _ => noise * scale - clean * (sigma * scale),
        };
    }
}
