using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>Clean latents, as the model sees them in noisy ones.</summary>
/// <param name="latents">(n, c, h, w) clean + sigma · noise</param>
/// <param name="sigma">Standard deviation of the noise.</param>
/// <param name="between">Whether the level lies between the ladder's, even if it should equal one of them.</param>
internal delegate Tensor Denoise(Tensor latents, double sigma, bool between);

/// <summary>What a sampler may ask for while it walks down a ladder: the denoised picture at any level, and noise.</summary>
internal sealed class Trajectory(Ladder ladder, Denoise denoise, NoiseSource noise, CancellationToken cancellation = default)
{
    /// <summary>What becomes of latents at the end of a step, given their level and whether it is the last; null leaves them.</summary>
    public Func<Tensor, double, bool, Tensor>? Keep { get; init; }

    public Ladder Ladder { get; } = ladder;

    /// <summary>The step that is being made.</summary>
    public int Index { get; set; }

    /// <summary>What the model saw last.</summary>
    public Tensor? Denoised { get; private set; }

    /// <param name="x">Latents with noise of <paramref name="sigma"/>.</param>
    /// <param name="sigma">Standard deviation of the noise.</param>
    public Tensor Denoise(Tensor x, double sigma)
    {
        cancellation.ThrowIfCancellationRequested();
        return Denoised = denoise(x, sigma, false);
    }

    /// <summary>As <see cref="Denoise"/>, at a level that is not one of the ladder's.</summary>
    public Tensor DenoiseBetween(Tensor x, double sigma)
    {
        cancellation.ThrowIfCancellationRequested();
        return Denoised = denoise(x, sigma, true);
    }

    /// <summary>Called by samplers at the end of each step.</summary>
    /// <param name="x">Latents with noise of <paramref name="sigma"/>.</param>
    /// <param name="sigma">Standard deviation of the noise.</param>
    /// <param name="isLast">Whether no step follows.</param>
    public Tensor Land(Tensor x, double sigma, bool isLast) => Keep is null ? x : Keep(x, sigma, isLast);

    /// <summary>The next noise, where the latents live.</summary>
    public Tensor Noise(Tensor like)
    {
        using var drawn = noise.Next();
        return drawn.to(like.dtype, like.device, copy: true);
    }

    /// <summary>Draws noise that nobody uses, because the reference does.</summary>
    public void SkipNoise() => noise.Next().Dispose();
}
