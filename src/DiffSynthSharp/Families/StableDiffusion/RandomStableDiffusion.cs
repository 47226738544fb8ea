using DiffSynthSharp.Memory;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families.StableDiffusion;

/// <summary>Stable Diffusion 1.5 at full size with random float32 weights, to measure speed and memory where no checkpoint is at hand.</summary>
internal static class RandomStableDiffusion
{
    /// <summary>The published U-Net's sizes.</summary>
    public static UNetConfig PublishedUNet { get; } = new(4, 4, [new(320, 1), new(640, 1), new(1280, 1), new(1280, 0)], 2, 768);

    /// <summary>The published autoencoder's sizes.</summary>
    public static AutoencoderConfig PublishedAutoencoder { get; } = new([128, 256, 512, 512], 2, 4);

    /// <summary>The published text encoder's sizes.</summary>
    public static ClipTextConfig PublishedText { get; } = new(49408, 768, 3072, 12, 12);

    /// <summary>Builds the model.</summary>
    public static StableDiffusionModel Create()
    {
        var (text, unet, autoencoder) = (new ClipTextEncoder(PublishedText), new UNet(PublishedUNet), new AutoencoderKl(PublishedAutoencoder));
        using var generator = new Generator(0);
        foreach (var network in new nn.Module[] { text, unet, autoencoder }) RandomWeights.Fill(network, generator);
        CachingAllocator.Trim();
        var setup = new StableDiffusionSetup(new(4, PublishedAutoencoder.Reduction, 0.18215), 512, new SchedulerSettings(), CPU, MemoryMode.Full);
        return new(setup, Resident(text), null, Resident(unet), Resident(autoencoder));
    }

    // Without a file to come back from, weights stay.
    private static ResidentNetwork<T> Resident<T>(T network)
        where T : nn.Module => new(network, CPU, [], [], new());
}
