namespace DiffSynthSharp.Imaging.Annotators;

/// <summary>Edges as a Canny ControlNet expects them: found at sides of multiples of 64 pixels, then brought back to the picture's size.</summary>
/// <remarks>huggingface/controlnet_aux 0.0.7 (<c>CannyDetector</c>), called as modelscope/DiffSynth-Studio 1.1.9 does, with the shorter side as resolution.</remarks>
internal static class CannyAnnotator
{
    private const double Low = 100, High = 200;
    private const int Multiple = 64;

    /// <returns>White edges on black, of the picture's size.</returns>
    public static Picture Run(Picture picture)
    {
        var resolution = Math.Min(picture.Width, picture.Height);
        var resized = Resized(picture);
        var edges = Edges(resized);
        var (width, height) = Size(resized.Width, resized.Height, resolution);
        var final = OpenCvResize.Linear(new(edges.Width, edges.Height, 1, edges.Levels), width, height);
        return new GrayPicture(width, height, final.Bytes).Resize(picture.Width, picture.Height).ToPicture();
    }

    /// <summary>What edges are found in.</summary>
    internal static PixelGrid Resized(Picture picture)
    {
        var (width, height) = Size(picture.Width, picture.Height, Math.Min(picture.Width, picture.Height));
        return OpenCvResize.Area(picture.Pixels, width, height);
    }

    internal static GrayPicture Edges(PixelGrid resized) => Canny.Edges(resized, Low, High);

    private static (int Width, int Height) Size(int width, int height, int resolution)
    {
        var scale = (double)resolution / Math.Min(width, height);
        return (Rounded(width * scale), Rounded(height * scale));
    }

    // At least one multiple, where the original comes to nothing.
    private static int Rounded(double side) => Math.Max(1, (int)Math.Round(side / Multiple)) * Multiple;
}
