using DiffSynthSharp.Imaging;
using DiffSynthSharp.Imaging.Annotators;
using DiffSynthSharp.Models.Annotators;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Annotators;

/// <summary>Depth as a depth ControlNet expects it: near is white.</summary>
/// <remarks>huggingface/controlnet_aux 0.0.7 (<c>MidasDetector</c>), called as modelscope/DiffSynth-Studio 1.1.9 does.</remarks>
internal static class DptDetector
{
    // The network saw pictures of 384 pixels; depth has nothing finer than this to show.
    private const int MostPixels = 1024 * 1024;

    public static Picture Run(DptHybrid network, Picture picture, Device device) => DetectedMap.Of(picture, MostPixels, pixels => Detect(network, pixels, device));

    private static GrayPicture Detect(DptHybrid network, PixelGrid pixels, Device device)
    {
        using var scope = NewDisposeScope();
        return network.forward(pixels.ToHint().mul_(2f).sub_(1f).to(device)).cpu().Stretched().Levels();
    }
}
