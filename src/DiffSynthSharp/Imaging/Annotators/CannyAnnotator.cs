namespace DiffSynthSharp.Imaging.Annotators;

/// <summary>Edges as a Canny ControlNet expects them: found at sides of multiples of 64 pixels, then brought back to the picture's size.</summary>
/// <remarks>huggingface/controlnet_aux 0.0.7 (<c>CannyDetector</c>), called as modelscope/DiffSynth-Studio 1.1.9 does, with the shorter side as resolution.</remarks>
internal static class CannyAnnotator
{
    private const double Low = 100, High = 200;

    /// <returns>White edges on black, of the picture's size.</returns>
    public static Picture Run(Picture picture) => DetectedMap.Of(picture, null, Edges);

    /// <summary>What edges are found in.</summary>
    internal static PixelGrid Resized(Picture picture) => DetectedMap.Resized(picture, DetectedMap.Resolution(picture, null));

    internal static GrayPicture Edges(PixelGrid resized) => Canny.Edges(resized, Low, High);
}
