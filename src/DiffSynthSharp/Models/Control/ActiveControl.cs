using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Control;

/// <summary>A ControlNet at work in one step.</summary>
/// <param name="Network">The network.</param>
/// <param name="Hint">(1 or B, 3, h·r, w·r) levels 0 … 255 (−255 where an inpainting ControlNet is to fill in), r being <see cref="ControlNetConfig.Reduction"/>.</param>
/// <param name="Scale">What its residuals are multiplied with.</param>
/// <param name="Guess">Deeper residuals count more, and the negative branch gets none (ControlNet's guess mode).</param>
internal sealed record ActiveControl(ControlNet Network, Tensor Hint, double Scale, bool Guess)
{
    /// <summary>Whether the negative branch is left to itself: in guess mode, and with global pooling.</summary>
    /// <remarks>huggingface/diffusers, pipeline_controlnet.py: global pooling implies it.</remarks>
    public bool SparesNegative => Guess || Network.Config.GlobalPool;

    /// <summary>The same for one picture of a batch.</summary>
    public ActiveControl Row(int k) => Hint.shape[0] == 1 ? this : this with { Hint = Hint.narrow(0, k, 1) };

    /// <summary>The same for a part of the latents.</summary>
    /// <param name="box">In latent cells.</param>
    public ActiveControl Of(TileBox box) => this with { Hint = box.Of(Hint, Network.Config.Reduction) };

    /// <summary>The sum of all residuals, each network's with its own scale.</summary>
    /// <param name="controls">Any number; those of scale 0 are not run.</param>
    /// <param name="latents">(B, C, h, w)</param>
    /// <param name="timesteps">(B)</param>
    /// <param name="context">(B, M, context width)</param>
    /// <param name="tiles">In cells of the latents; null runs the networks whole.</param>
    /// <param name="isUnconditional">Whether this is the negative branch.</param>
    /// <returns>Null when nothing is to be added.</returns>
    public static ControlResiduals? Sum(
        IReadOnlyList<ActiveControl> controls, Tensor latents, Tensor timesteps, Tensor context, TileGrid? tiles, bool isUnconditional)
    {
        using var scope = NewDisposeScope();
        ControlResiduals? sum = null;
        foreach (var control in controls.Where(control => control.Scale != 0 && !(isUnconditional && control.SparesNegative)))
        {
            var residuals = control.Residuals(latents, timesteps, context, tiles);
            sum = sum?.Plus(residuals) ?? residuals;
        }
        return sum?.MoveToOuterDisposeScope();
    }

    private ControlResiduals Residuals(Tensor latents, Tensor timesteps, Tensor context, TileGrid? tiles)
    {
        using var scope = NewDisposeScope();
        var residuals = Network.Run(latents, timesteps, context, Hint.to(latents.dtype) / 255f, tiles);
        var last = (double)residuals.Skips.Count;
        return residuals.Select((residual, i) => residual * (float)(Scale * Share(i / last))).MoveToOuterDisposeScope();
    }

    // lllyasviel/ControlNet, gradio_canny2image.py, and diffusers: in guess mode a tenth for the first residual, rising evenly in the logarithm to the
    // whole for the middle. Pooled residuals keep their size.
    private double Share(double depth) => Guess && !Network.Config.GlobalPool ? Math.Pow(10, depth - 1) : 1;
}
