using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Denoising diffusion implicit models: a straight step towards the clean prediction, optionally with fresh noise.</summary>
/// <remarks>
/// Song, Meng, Ermon (2021), equation 12; huggingface/diffusers, scheduling_ddim.py. Only the clean prediction is clipped, not the direction.
/// </remarks>
internal sealed class Ddim(double eta, Clipping clipping) : StepSampler
{
    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var (sigma, next) = (run.Ladder.Sigmas[i], run.Ladder.Landing(i));
        var denoised = run.Denoise(x, sigma);
        var (down, up) = Ancestral(sigma, next, eta);
        var stepped = clipping.Apply(denoised) + (x - denoised) * (down / sigma);
        return eta == 0 ? stepped : stepped + run.Noise(x) * up;
    }
}
