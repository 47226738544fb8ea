namespace DiffSynthSharp.Imaging;

/// <summary>The bytes of a picture of any number of channels, pixel by pixel, row by row from the top.</summary>
/// <param name="Width">Pixels per row.</param>
/// <param name="Height">Rows.</param>
/// <param name="Channels">1 grey, 3 red green blue, 4 with alpha.</param>
/// <param name="Bytes">Channels × Width × Height.</param>
internal readonly record struct PixelGrid(int Width, int Height, int Channels, byte[] Bytes)
{
    /// <summary>The pixels of a rectangle that lies inside.</summary>
    public PixelGrid Crop(int left, int top, int width, int height)
    {
        var bytes = new byte[Channels * width * height];
        for (var y = 0; y < height; y++)
            Bytes.AsSpan(Channels * ((top + y) * Width + left), Channels * width).CopyTo(bytes.AsSpan(Channels * y * width));
        return new(width, height, Channels, bytes);
    }
}
