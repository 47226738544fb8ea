using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>Ways to combine predictions of the same latents under different conditions. Norms and means are per picture.</summary>
/// <remarks>huggingface/diffusers, src/diffusers/guiders and pipelines; modelscope/DiffSynth-Studio, pipelines.</remarks>
internal static class Guidance
{
    /// <summary>Classifier-free guidance: away from the unconditional prediction.</summary>
    /// <param name="conditional">(n, c, h, w)</param>
    /// <param name="unconditional">(n, c, h, w)</param>
    /// <param name="scale">1 gives the conditional prediction; larger follows the prompt more.</param>
    /// <remarks>Ho and Salimans (2022).</remarks>
    public static Tensor ClassifierFree(Tensor conditional, Tensor unconditional, double scale)
        => unconditional + (conditional - unconditional) * scale;

    /// <summary>Brings a guided prediction's spread back towards the conditional one's, so that pictures are not overexposed.</summary>
    /// <param name="guided">(n, c, h, w)</param>
    /// <param name="conditional">(n, c, h, w)</param>
    /// <param name="rescale">0 changes nothing, 1 takes the conditional spread.</param>
    /// <remarks>Lin et al. (2023), section 3.4; the standard deviation is the unbiased one.</remarks>
    public static Tensor Rescale(Tensor guided, Tensor conditional, double rescale)
    {
        using var scope = NewDisposeScope();
        var spread = Flat(conditional).std(1, unbiased: true) / Flat(guided).std(1, unbiased: true);
        return (guided * PerPicture(spread, guided) * rescale + guided * (1 - rescale)).MoveToOuterDisposeScope();
    }

    /// <summary>Adaptive projected guidance: bounds the difference and weighs the part along the conditional prediction by itself.</summary>
    /// <param name="conditional">(n, …)</param>
    /// <param name="unconditional">(n, …)</param>
    /// <param name="difference">Conditional − unconditional, or its running mean with momentum.</param>
    /// <param name="scale">Guidance scale.</param>
    /// <param name="threshold">Largest norm of the difference; 0 leaves it.</param>
    /// <param name="eta">Weight of the part along the conditional prediction.</param>
    /// <remarks>Sadat et al. (2024), arXiv 2410.02416.</remarks>
    public static Tensor Projected(Tensor conditional, Tensor unconditional, Tensor difference, double scale, double threshold, double eta)
    {
        using var scope = NewDisposeScope();
        var d = Flat(difference);
        if (threshold > 0) d *= (threshold / d.norm(1, keepdim: true, p: 2)).clamp_max(1);
        var axis = Flat(conditional).to(float64);
        axis /= axis.norm(1, keepdim: true, p: 2);
        var parallel = (d.to(float64) * axis).sum(1, keepdim: true) * axis;
        var update = d.to(float64) - parallel + parallel * eta;
        return (unconditional + update.to(unconditional.dtype).reshape(unconditional.shape) * scale).MoveToOuterDisposeScope();
    }

    /// <summary>CFG-Zero*: scales the unconditional prediction so that it explains as much of the conditional one as it can.</summary>
    /// <remarks>Fan et al. (2025), arXiv 2503.18886.</remarks>
    public static Tensor ZeroStar(Tensor conditional, Tensor unconditional, double scale)
    {
        using var scope = NewDisposeScope();
        var (c, u) = (Flat(conditional), Flat(unconditional));
        var share = (c * u).sum(1) / (u.square().sum(1) + 1e-8);
        return ClassifierFree(conditional, unconditional * PerPicture(share, unconditional), scale).MoveToOuterDisposeScope();
    }

    /// <summary>Tangential guidance: keeps only the part of the unconditional prediction along the main direction of both.</summary>
    /// <remarks>Kwon et al. (2025), arXiv 2503.18137. The main right singular vector of two rows follows from their 2 × 2 Gram matrix.</remarks>
    public static Tensor Tangential(Tensor conditional, Tensor unconditional, double scale)
    {
        using var scope = NewDisposeScope();
        var (c, u) = (Flat(conditional).to(float64), Flat(unconditional).to(float64));
        var (cc, cu, uu) = (c.square().sum(1, keepdim: true), (c * u).sum(1, keepdim: true), u.square().sum(1, keepdim: true));
        var angle = (cu * 2).atan2(cc - uu) / 2; // of the Gram matrix's larger eigenvector
        var main = c * angle.cos() + u * angle.sin();
        main /= main.norm(1, keepdim: true, p: 2);
        var kept = ((u * main).sum(1, keepdim: true) * main).to(unconditional.dtype).reshape(unconditional.shape);
        return ClassifierFree(conditional, kept, scale).MoveToOuterDisposeScope();
    }

    /// <summary>Magnitude-aware guidance: less where the predictions differ more.</summary>
    /// <param name="conditional">(n, …)</param>
    /// <param name="unconditional">(n, …)</param>
    /// <param name="scale">Guidance scale where they agree.</param>
    /// <param name="alpha">How fast the scale falls to 1.</param>
    public static Tensor MagnitudeAware(Tensor conditional, Tensor unconditional, double scale, double alpha)
    {
        using var scope = NewDisposeScope();
        var difference = conditional - unconditional;
        var ratio = Flat(difference).norm(1, keepdim: false, p: 2) / Flat(unconditional).norm(1, keepdim: false, p: 2);
        var scales = 1 + (scale - 1) * (ratio * -alpha).exp();
        return (unconditional + difference * PerPicture(scales, difference)).MoveToOuterDisposeScope();
    }

    /// <summary>Skip-layer (or perturbed attention) guidance on top of classifier-free guidance.</summary>
    /// <param name="conditional">(n, …)</param>
    /// <param name="unconditional">(n, …); null guides by the skipped layers alone.</param>
    /// <param name="skipped">Conditional prediction with layers left out.</param>
    /// <param name="scale">Classifier-free scale.</param>
    /// <param name="skipScale">How far to go away from the skipped prediction.</param>
    /// <remarks>Hyung et al. (2024), arXiv 2411.18664; Stability AI's SD3.5 sampler.</remarks>
    public static Tensor SkipLayers(Tensor conditional, Tensor? unconditional, Tensor skipped, double scale, double skipScale)
        => unconditional is null
            ? skipped + (conditional - skipped) * skipScale
            : ClassifierFree(conditional, unconditional, scale) + (conditional - skipped) * skipScale;

    /// <summary>OmniGen's three branches: without anything, with the reference pictures, with pictures and text.</summary>
    /// <remarks>Xiao et al. (2024), arXiv 2409.11340; after Brooks et al. (2023), InstructPix2Pix.</remarks>
    public static Tensor ThreeBranches(Tensor conditional, Tensor pictures, Tensor unconditional, double scale, double pictureScale)
        => unconditional + (pictures - unconditional) * pictureScale + (conditional - pictures) * scale;

    /// <summary>CFG++: an Euler step whose noise is the unconditional prediction's.</summary>
    /// <param name="x">Latents of level <paramref name="sigma"/>, variance exploding.</param>
    /// <param name="conditional">Clean prediction with the prompt.</param>
    /// <param name="unconditional">Clean prediction without.</param>
    /// <param name="scale">0 to 1.</param>
    /// <param name="sigma">Level before the step.</param>
    /// <param name="next">Level after it.</param>
    /// <remarks>Chung et al. (2024), arXiv 2406.08070.</remarks>
    public static Tensor PlusPlusStep(Tensor x, Tensor conditional, Tensor unconditional, double scale, double sigma, double next)
        => ClassifierFree(conditional, unconditional, scale) + (x - unconditional) * (next / sigma);

    /// <summary>Merges regional predictions into the global one: a weighted mean in which the global prediction has weight 1 everywhere.</summary>
    /// <param name="global">(1, c, h, w)</param>
    /// <param name="local">(1, c, h, w) each, with a weight that broadcasts to it.</param>
    /// <remarks>modelscope/DiffSynth-Studio, control_noise_via_local_prompts.</remarks>
    public static Tensor Regional(Tensor global, IEnumerable<(Tensor Prediction, Tensor Weight)> local)
    {
        using var scope = NewDisposeScope();
        var (sum, weights) = (global.alias(), ones_like(global));
        foreach (var (prediction, weight) in local) (sum, weights) = (sum + prediction * weight, weights + weight);
        return (sum / weights).MoveToOuterDisposeScope();
    }

    private static Tensor Flat(Tensor x) => x.reshape(x.shape[0], -1);

    private static Tensor PerPicture(Tensor values, Tensor like) => values.reshape([-1, .. Enumerable.Repeat(1L, like.shape.Length - 1)]);
}
