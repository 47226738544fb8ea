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
}

/// <summary>Resizes pictures as Pillow does, byte for byte.</summary>
/// <remarks>
/// python-pillow/Pillow up to 12.2, src/libImaging/Resample.c: rows first, then columns, each pass rounded to bytes; weights are whole
/// numbers of 22 fractional bits. The filter widens with the reduction, so that nothing is skipped over.
/// </remarks>
internal static class PictureResize
{
    private const int FractionBits = 22;

    /// <summary>The picture at another size; itself when it has that size.</summary>
    public static Picture To(Picture picture, int width, int height, ResizeFilter filter)
    {
        if ((width, height) == (picture.Width, picture.Height)) return picture;
        var rgb = picture.Rgb.ToArray();
        if (width != picture.Width) rgb = Rows(rgb, picture.Width, picture.Height, Weights(picture.Width, width, filter));
        if (height != picture.Height) rgb = Columns(rgb, width, Weights(picture.Height, height, filter));
        return new Picture(width, height, rgb);
    }

    /// <summary>The pixels that one resized pixel is made of.</summary>
    private readonly record struct Span(int First, int[] Weights);

    private static byte[] Rows(byte[] from, int width, int height, Span[] spans)
    {
        var to = new byte[3 * spans.Length * height];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < spans.Length; x++)
                for (var c = 0; c < 3; c++)
                    to[3 * (y * spans.Length + x) + c] = Sum(from, 3 * (y * width + spans[x].First) + c, 3, spans[x].Weights);
        return to;
    }

    private static byte[] Columns(byte[] from, int width, Span[] spans)
    {
        var to = new byte[3 * width * spans.Length];
        for (var y = 0; y < spans.Length; y++)
            for (var i = 0; i < 3 * width; i++)
                to[3 * width * y + i] = Sum(from, 3 * width * spans[y].First + i, 3 * width, spans[y].Weights);
        return to;
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

    private static Span[] Weights(int from, int to, ResizeFilter filter)
    {
        var scale = (double)from / to;
        var widening = Math.Max(scale, 1);
        var support = Support(filter) * widening;
        return [.. Enumerable.Range(0, to).Select(WeightsOf)];

        Span WeightsOf(int i)
        {
            var centre = (i + 0.5) * scale;
            var first = Math.Max(0, (int)(centre - support + 0.5));
            var end = Math.Min(from, (int)(centre + support + 0.5));
            var weights = Enumerable.Range(first, end - first).Select(x => Weight(filter, (x - centre + 0.5) * (1 / widening))).ToArray();
            var total = 0.0;
            foreach (var weight in weights) total += weight;
            return new Span(first, [.. weights.Select(weight => Fixed(total == 0 ? weight : weight * (1 / total)))]);
        }
    }

    private static int Fixed(double weight) => (int)(weight * (1 << FractionBits) + (weight < 0 ? -0.5 : 0.5));

    private static double Support(ResizeFilter filter) => filter switch
    {
        ResizeFilter.Box => 0.5,
        ResizeFilter.Bilinear => 1,
        ResizeFilter.Bicubic => 2,
        _ => 3,
    };

    private static double Weight(ResizeFilter filter, double x) => filter switch
    {
        ResizeFilter.Box => x is > -0.5 and <= 0.5 ? 1 : 0,
        ResizeFilter.Bilinear => Math.Max(0, 1 - Math.Abs(x)),
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
}
