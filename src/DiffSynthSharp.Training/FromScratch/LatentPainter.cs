using DiffSynthSharp.Models.Autoencoders;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>Pictures of a model that is still being trained: DDIM with guidance, enough to look at a checkpoint.</summary>
/// <remarks>Song et al. 2021 (arXiv 2010.02502), with η = 0 and the last timestep first ("trailing").</remarks>
internal static class LatentPainter
{
    private const int Steps = 20;
    private const double Guidance = 3;

    /// <summary>Paints prompts.</summary>
    /// <param name="task">Text encoder and U-Net.</param>
    /// <param name="autoencoder">Its latents have deviation 1.</param>
    /// <param name="prompts">One picture each.</param>
    /// <param name="seed">Of the noise.</param>
    /// <returns>(B, 3, 128, 128), roughly −1 … 1</returns>
    public static Tensor Paint(DiffusionTask task, AutoencoderKl autoencoder, IReadOnlyList<string> prompts, long seed)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        using var generator = new Generator((ulong)seed);
        var count = prompts.Count;
        var context = task.Context([.. prompts, .. Enumerable.Repeat("", count)]); // (2B, 77, W)
        var latents = randn([count, autoencoder.Config.LatentChannels, 16, 16], generator: generator);
        for (var i = 0; i < Steps; i++)
        {
            var timestep = NoiseSchedule.Timesteps * (Steps - i) / Steps - 1;
            var (share, next) = (Share(timestep), Share(timestep - NoiseSchedule.Timesteps / Steps));
            using var inner = NewDisposeScope();
            var both = task.Predict(cat([latents, latents]), full([2 * count], timestep, ScalarType.Float32), context).chunk(2);
            var velocity = both[1] + Guidance * (both[0] - both[1]);
            var clean = Math.Sqrt(share) * latents - Math.Sqrt(1 - share) * velocity;
            var noise = Math.Sqrt(share) * velocity + Math.Sqrt(1 - share) * latents;
            latents = (Math.Sqrt(next) * clean + Math.Sqrt(1 - next) * noise).MoveToOuterDisposeScope();
        }
        return autoencoder.Decode(latents).MoveToOuterDisposeScope();
    }

    private static double Share(int timestep) => timestep < 0 ? 1 : NoiseSchedule.SignalShares[timestep];
}
