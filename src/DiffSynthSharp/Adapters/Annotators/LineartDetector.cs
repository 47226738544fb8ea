using DiffSynthSharp.Imaging;
using DiffSynthSharp.Imaging.Annotators;
using DiffSynthSharp.Models.Annotators;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Annotators;

/// <summary>White lines on black, as a lineart ControlNet expects them.</summary>
/// <remarks>huggingface/controlnet_aux 0.0.7 (<c>LineartDetector</c>), called as modelscope/DiffSynth-Studio 1.1.9 does.</remarks>
internal static class LineartDetector
{
    // The network's maps at full resolution take 256 bytes a pixel, and three live at once.
    private const int MostPixels = 1536 * 1536;

    public static Picture Run(Lineart network, Picture picture, Device device) => DetectedMap.Of(picture, MostPixels, pixels => Detect(network, pixels, device));

    private static GrayPicture Detect(Lineart network, PixelGrid pixels, Device device)
    {
        using var scope = NewDisposeScope();
        var paper = network.forward(pixels.ToHint().to(device));
        return paper.cpu().Levels(isInverted: true);
    }
}
