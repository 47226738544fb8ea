namespace DiffSynthSharp.Imaging;

/// <summary>Makes pictures smaller in two steps: by whole factors first, then to the size itself. Much faster for large pictures, and hardly to be told apart.</summary>
/// <remarks>python-pillow/Pillow, Image.py (<c>resize</c> with <c>reducing_gap</c>) and src/libImaging/Reduce.c.</remarks>
internal static class PictureReduction
{
    /// <param name="pixels">What is resized.</param>
    /// <param name="width">Pixels per row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="filter">How pixels are weighed in the second step.</param>
    /// <param name="gap">How many times larger than the result the first step leaves the picture, at least; from 1.</param>
    public static PixelGrid To(PixelGrid pixels, int width, int height, ResizeFilter filter, double gap)
    {
        var (across, down) = (Math.Max(1, (int)(pixels.Width / (double)width / gap)), Math.Max(1, (int)(pixels.Height / (double)height / gap)));
        // Pillow passes the gap on for pictures without transparency alone.
        if ((across, down) == (1, 1) || pixels.Channels == 4 || filter == ResizeFilter.Nearest) return PictureResize.To(pixels, width, height, filter);
        return PictureResize.To(By(pixels, across, down), width, height, filter, new(0, 0, pixels.Width / (float)across, pixels.Height / (float)down));
    }

    /// <summary>Every block of pixels becomes its mean; blocks at the right and bottom may be smaller.</summary>
    public static PixelGrid By(PixelGrid pixels, int across, int down)
    {
        var (width, height) = ((pixels.Width + across - 1) / across, (pixels.Height + down - 1) / down);
        var bytes = new byte[pixels.Channels * width * height];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var (right, bottom) = (Math.Min(pixels.Width, (x + 1) * across), Math.Min(pixels.Height, (y + 1) * down));
                for (var c = 0; c < pixels.Channels; c++) bytes[pixels.Channels * (y * width + x) + c] = Mean(pixels, c, x * across, y * down, right, bottom);
            }
        return new(width, height, pixels.Channels, bytes);
    }

    // The quotient as a product with 2^24 over the count, cut to a whole number.
    private static byte Mean(PixelGrid pixels, int channel, int left, int top, int right, int bottom)
    {
        var count = (uint)((right - left) * (bottom - top));
        var sum = (ulong)count / 2;
        for (var y = top; y < bottom; y++)
            for (var x = left; x < right; x++) sum += pixels.Bytes[pixels.Channels * (y * pixels.Width + x) + channel];
        return (byte)((sum * ((1u << 24) / count)) >> 24);
    }
}
