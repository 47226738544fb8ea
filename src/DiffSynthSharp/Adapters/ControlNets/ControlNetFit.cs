using DiffSynthSharp.Models.Control;
using DiffSynthSharp.Models.UNets;

namespace DiffSynthSharp.Adapters.ControlNets;

/// <summary>Makes sure that what a ControlNet gives is what a U-Net can take.</summary>
internal static class ControlNetFit
{
    private const long TextWidthOfStableDiffusion2 = 1024;

    /// <param name="path">What the user named.</param>
    /// <param name="control">The ControlNet's sizes.</param>
    /// <param name="unet">The model's.</param>
    /// <param name="latentChannels">Channels of the model's latents.</param>
    /// <param name="reduction">Pixels per latent cell, along a side.</param>
    /// <exception cref="DiffSynthException">They don't fit; the message says in what.</exception>
    public static void Check(string path, ControlNetConfig control, UNetConfig unet, long latentChannels, int reduction)
    {
        var own = control.UNet;
        if (own.ContextWidth != unet.ContextWidth)
            throw Unfit(path, $"it takes text of width {own.ContextWidth}, the model's is {unet.ContextWidth} wide{(own.ContextWidth == TextWidthOfStableDiffusion2 ? " (it looks made for Stable Diffusion 2.x)" : "")}");
        if (!own.Levels.Select(level => level.Channels).SequenceEqual(unet.Levels.Select(level => level.Channels)) || own.BlocksPerLevel != unet.BlocksPerLevel)
            throw Unfit(path, $"its maps are {Widths(own)} channels wide with {own.BlocksPerLevel} blocks each, the model's {Widths(unet)} with {unet.BlocksPerLevel}");
        if (own.InputChannels != latentChannels)
            throw Unfit(path, $"it takes latents of {own.InputChannels} channels, the model's have {latentChannels}");
        if (control.Reduction != reduction)
            throw Unfit(path, $"it takes {control.Reduction} pixels for a latent cell, the model {reduction}");
    }

    private static string Widths(UNetConfig config) => string.Join('/', config.Levels.Select(level => level.Channels));

    private static DiffSynthException Unfit(string path, string reason) => new($"The ControlNet '{path}' doesn't fit this model: {reason}. Choose one made for the model's family.");
}
