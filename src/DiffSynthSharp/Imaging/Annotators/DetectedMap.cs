namespace DiffSynthSharp.Imaging.Annotators;

/// <summary>The way of a picture through a detector that wants sides of multiples of 64 pixels, and of what it found back to the picture's size.</summary>
/// <remarks>huggingface/controlnet_aux 0.0.7 (<c>resize_image</c>), called as modelscope/DiffSynth-Studio 1.1.9 does, with the shorter side as resolution.</remarks>
internal static class DetectedMap
{
    private const int Multiple = 64;

    /// <param name="picture">Of any size.</param>
    /// <param name="mostPixels">A picture of more is looked at in a smaller size; null looks at all of it.</param>
    /// <param name="detect">Finds a level for every pixel.</param>
    /// <returns>Grey, of the picture's size.</returns>
    public static Picture Of(Picture picture, int? mostPixels, Func<PixelGrid, GrayPicture> detect)
    {
        var resolution = Resolution(picture, mostPixels);
        var found = detect(Resized(picture, resolution));
        var (width, height) = Size(found.Width, found.Height, resolution);
        var final = OpenCvResize.Linear(new(found.Width, found.Height, 1, found.Levels), width, height);
        return new GrayPicture(width, height, final.Bytes).Resize(picture.Width, picture.Height).ToPicture();
    }

    /// <summary>What a detector looks at.</summary>
    public static PixelGrid Resized(Picture picture, int resolution)
    {
        var (width, height) = Size(picture.Width, picture.Height, resolution);
        return OpenCvResize.Area(picture.Pixels, width, height);
    }

    /// <summary>The shorter side that a picture is looked at with.</summary>
    public static int Resolution(Picture picture, int? mostPixels)
    {
        var pixels = (double)picture.Width * picture.Height;
        var shorter = Math.Min(picture.Width, picture.Height);
        return mostPixels < pixels ? Math.Max(1, (int)(shorter * Math.Sqrt(mostPixels.Value / pixels))) : shorter;
    }

    private static (int Width, int Height) Size(int width, int height, int resolution)
    {
        var scale = (double)resolution / Math.Min(width, height);
        return (Rounded(width * scale), Rounded(height * scale));
    }

    // At least one multiple, where the original comes to nothing.
    private static int Rounded(double side) => Math.Max(1, (int)Math.Round(side / Multiple)) * Multiple;
}
