namespace DiffSynthSharp.Imaging;

/// <summary>How a resized pixel is weighed from those around it.</summary>
public enum ResizeFilter
{
    /// <summary>The mean of the pixels it covers.</summary>
    Box,

    /// <summary>A triangle.</summary>
    Bilinear,

    /// <summary>A cubic of a = −0.5.</summary>
    Bicubic,

    /// <summary>A windowed sinc of three lobes.</summary>
    Lanczos,

    /// <summary>A sinc of one lobe in a Hamming window.</summary>
    Hamming,

    /// <summary>The pixel under its centre.</summary>
    Nearest,
}

/// <summary>The part of a picture that is resized, in pixels; its edges may lie inside pixels.</summary>
internal readonly record struct ResizeBox(float Left, float Top, float Right, float Bottom)
{
    public static ResizeBox Whole(PixelGrid pixels) => new(0, 0, pixels.Width, pixels.Height);
}

/// <summary>Resizes pictures as Pillow does, byte for byte.</summary>
/// <remarks>
/// python-pillow/Pillow up to 12.2, src/libImaging/Resample.c and Geometry.c: rows first, then columns, each pass rounded to bytes;
/// weights are whole numbers of 22 fractional bits. The filter widens with the reduction, so that nothing is skipped over.
/// </remarks>
internal static class PictureResize
{
    private const int FractionBits = 22;

    /// <summary>The picture at another size; itself when it has that size. Transparent colours weigh as much as they are seen.</summary>
    /// <param name="pixels">What is resized.</param>
    /// <param name="width">Pixels per row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="filter">How pixels are weighed.</param>
    /// <param name="box">The part that is resized; null: all.</param>
    /// <exception cref="ArgumentException">The size is empty or larger than <see cref="Picture.MaxPixels"/>.</exception>
    public static PixelGrid To(PixelGrid pixels, int width, int height, ResizeFilter filter, ResizeBox? box = null)
    {
        if (width < 1 || height < 1 || (long)width * height > Picture.MaxPixels)
            throw new ArgumentException($"A picture of {width}×{height} pixels; expected 1 to {Picture.MaxPixels:N0} pixels.");
        var part = box ?? ResizeBox.Whole(pixels);
        if ((width, height) == (pixels.Width, pixels.Height) && part == ResizeBox.Whole(pixels)) return pixels;
        if (filter == ResizeFilter.Nearest) return Nearest(pixels, width, height, part);
        if (pixels.Channels == 4) return Transparency.Divide(Passes(Transparency.Premultiply(pixels), width, height, filter, part));
        return Passes(pixels, width, height, filter, part);
    }

    private static PixelGrid Passes(PixelGrid pixels, int width, int height, ResizeFilter filter, ResizeBox box)
    {
        if (width != pixels.Width || box.Left != 0 || box.Right != width) pixels = Rows(pixels, Weights(pixels.Width, box.Left, box.Right, width, filter));
        if (height != pixels.Height || box.Top != 0 || box.Bottom != height) pixels = Columns(pixels, Weights(pixels.Height, box.Top, box.Bottom, height, filter));
        return pixels;
    }

    /// <summary>The pixels that one resized pixel is made of.</summary>
    private readonly record struct Span(int First, int[] Weights);

    private static PixelGrid Rows(PixelGrid from, Span[] spans)
    {
        var (channels, bytes) = (from.Channels, from.Bytes);
        var to = new byte[channels * spans.Length * from.Height];
        for (var y = 0; y < from.Height; y++)
            for (var x = 0; x < spans.Length; x++)
                for (var c = 0; c < channels; c++)
                    to[channels * (y * spans.Length + x) + c] = Sum(bytes, channels * (y * from.Width + spans[x].First) + c, channels, spans[x].Weights);
        return new(spans.Length, from.Height, channels, to);
    }

    private static PixelGrid Columns(PixelGrid from, Span[] spans)
    {
        var row = from.Channels * from.Width;
        var to = new byte[row * spans.Length];
        for (var y = 0; y < spans.Length; y++)
            for (var i = 0; i < row; i++)
                to[row * y + i] = Sum(from.Bytes, row * spans[y].First + i, row, spans[y].Weights);
        return new(from.Width, spans.Length, from.Channels, to);
    }

    private static byte Sum(byte[] from, int at, int stride, int[] weights)
    {
        var sum = 1 << (FractionBits - 1);
        foreach (var weight in weights)
        {
            sum += weight * from[at];
            at += stride;
        }
        return (byte)Math.Clamp(sum >> FractionBits, 0, 255);
    }

    private static Span[] Weights(int from, float start, float end, int to, ResizeFilter filter)
    {
        var scale = (double)(end - start) / to;
        var widening = Math.Max(scale, 1);
        var support = Support(filter) * widening;
        return [.. Enumerable.Range(0, to).Select(WeightsOf)];

        Span WeightsOf(int i)
        {
            var centre = start + (i + 0.5) * scale;
            var first = Math.Max(0, (int)(centre - support + 0.5));
            var last = Math.Min(from, (int)(centre + support + 0.5));
            var weights = Enumerable.Range(first, last - first).Select(x => Weight(filter, (x - centre + 0.5) * (1 / widening))).ToArray();
            var total = 0.0;
            foreach (var weight in weights) total += weight;
            return new Span(first, [.. weights.Select(weight => Fixed(total == 0 ? weight : weight / total))]);
        }
    }

    private static int Fixed(double weight) => (int)(weight * (1 << FractionBits) + (weight < 0 ? -0.5 : 0.5));

    /// <summary>How far a filter reaches to either side, in pixels of the smaller scale.</summary>
    internal static double Support(ResizeFilter filter) => filter switch
    {
        ResizeFilter.Box => 0.5,
        ResizeFilter.Bilinear or ResizeFilter.Hamming => 1,
        ResizeFilter.Bicubic => 2,
        _ => 3,
    };

    private static double Weight(ResizeFilter filter, double x) => filter switch
    {
        ResizeFilter.Box => x is > -0.5 and <= 0.5 ? 1 : 0,
        ResizeFilter.Bilinear => Math.Max(0, 1 - Math.Abs(x)),
        ResizeFilter.Hamming => Math.Abs(x) < 1 ? Sinc(Math.Abs(x)) * (x == 0 ? 1 : 0.54f + 0.46f * Math.Cos(x * Math.PI)) : 0,
        ResizeFilter.Bicubic => Cubic(Math.Abs(x)),
        _ => x is >= -3 and < 3 ? Sinc(x) * Sinc(x / 3) : 0,
    };

    private static double Cubic(double x)
    {
        const double a = -0.5;
        if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);

    private static PixelGrid Nearest(PixelGrid from, int width, int height, ResizeBox box)
    {
        var (columns, rows) = (Positions(from.Width, box.Left, box.Right, width), Positions(from.Height, box.Top, box.Bottom, height));
        var to = new byte[from.Channels * width * height];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
                from.Bytes.AsSpan(from.Channels * (rows[y] * from.Width + columns[x]), from.Channels).CopyTo(to.AsSpan(from.Channels * (y * width + x)));
        return new(width, height, from.Channels, to);
    }

    // Added up step by step, as Pillow does it.
    private static int[] Positions(int from, float start, float end, int to)
    {
        var scale = (double)(end - start) / to;
        var at = start + scale * 0.5;
        var positions = new int[to];
        for (var i = 0; i < to; i++, at += scale) positions[i] = Math.Clamp((int)at, 0, from - 1);
        return positions;
    }
}
