using DiffSynthSharp.Families;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>The network with classifier-free guidance around it.</summary>
/// <remarks>
/// Each picture's branches are evaluated by themselves: a picture's bits must not depend on the batch it is in, and kernels round
/// differently for other batch sizes. On a CPU that costs nothing.
/// </remarks>
internal sealed class GuidedPrediction(LoadedFamily family, Conditioning positive, Conditioning? negative, double scale, double rescale)
{
    /// <param name="latents">(B, C, h, w) in the network's own scaling</param>
    /// <param name="timestep">In training timesteps.</param>
    /// <returns>(B, C, h, w), the guided raw prediction</returns>
    public Tensor Predict(Tensor latents, double timestep)
    {
        using var scope = NewDisposeScope();
        var rows = Enumerable.Range(0, (int)latents.shape[0]).Select(k => PredictOne(latents.narrow(0, k, 1), timestep)).ToArray();
        return (rows.Length == 1 ? rows[0] : cat(rows)).MoveToOuterDisposeScope();
    }

    private Tensor PredictOne(Tensor latents, double timestep)
    {
        if (negative is null) return family.Predict(latents, timestep, positive.Context);
        using var scope = NewDisposeScope();
        var (without, with) = Branches(latents, timestep, positive.Context, negative.Context);
        var guided = Guidance.ClassifierFree(with, without, scale);
        return (rescale > 0 ? Guidance.Rescale(guided, with, rescale) : guided).MoveToOuterDisposeScope();
    }

    // Prompts of unlike length can't share a batch, and are never padded to do so.
    private (Tensor Without, Tensor With) Branches(Tensor latents, double timestep, Tensor with, Tensor without)
    {
        if (!with.shape.SequenceEqual(without.shape)) return (family.Predict(latents, timestep, without), family.Predict(latents, timestep, with));
        var both = family.Predict(cat([latents, latents]), timestep, cat([without, with]));
        return (both.narrow(0, 0, 1), both.narrow(0, 1, 1));
    }
}
