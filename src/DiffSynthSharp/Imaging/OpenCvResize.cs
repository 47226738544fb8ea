namespace DiffSynthSharp.Imaging;

/// <summary>Resizes as OpenCV does where Pillow's way would give an annotator other pixels than it expects.</summary>
/// <remarks>opencv/opencv, modules/imgproc/src/resize.cpp (<c>INTER_AREA</c>, <c>INTER_LINEAR</c> of bytes).</remarks>
internal static class OpenCvResize
{
    private const int WeightBits = 11;

    /// <summary>Each pixel becomes the mean of the area it covers; when a side grows, a blend of two pixels that begins at their border.</summary>
    public static PixelGrid Area(PixelGrid pixels, int width, int height)
    {
        if ((width, height) == (pixels.Width, pixels.Height)) return pixels;
        return width > pixels.Width || height > pixels.Height
            ? Blend(pixels, Pairs(pixels.Width, width, BetweenBorders), Pairs(pixels.Height, height, BetweenBorders))
            : Mean(pixels, Areas(pixels.Width, width), Areas(pixels.Height, height));
    }

    /// <summary>Each pixel is a blend of the two nearest to each side of its centre.</summary>
    public static PixelGrid Linear(PixelGrid pixels, int width, int height)
        => (width, height) == (pixels.Width, pixels.Height) ? pixels
            : Blend(pixels, Pairs(pixels.Width, width, BetweenCentres), Pairs(pixels.Height, height, BetweenCentres));

    /// <summary>One source pixel's share.</summary>
    private readonly record struct Share(int At, float Weight);

    private static Share[][] Areas(int from, int to)
    {
        var scale = (double)from / to;
        return [.. Enumerable.Range(0, to).Select(i => Shares(i * scale))];

        Share[] Shares(double start)
        {
            var (end, extent) = (start + scale, Math.Min(scale, from - start));
            var last = Math.Min((int)Math.Floor(end), from - 1);
            var first = Math.Min((int)Math.Ceiling(start), last);
            var shares = new List<Share>();
            if (first - start > 1e-3) shares.Add(new(first - 1, (float)((first - start) / extent)));
            for (var at = first; at < last; at++) shares.Add(new(at, (float)(1 / extent)));
            if (end - last > 1e-3) shares.Add(new(last, (float)(Math.Min(Math.Min(end - last, 1), extent) / extent)));
            return [.. shares];
        }
    }

    private static PixelGrid Mean(PixelGrid from, Share[][] columns, Share[][] rows)
    {
        var to = new byte[from.Channels * columns.Length * rows.Length];
        for (var y = 0; y < rows.Length; y++)
            for (var x = 0; x < columns.Length; x++)
                for (var c = 0; c < from.Channels; c++)
                {
                    var sum = 0f;
                    foreach (var row in rows[y])
                    {
                        var across = 0f;
                        foreach (var column in columns[x]) across += from.Bytes[from.Channels * (row.At * from.Width + column.At) + c] * column.Weight;
                        sum += across * row.Weight;
                    }
                    to[from.Channels * (y * columns.Length + x) + c] = (byte)Math.Clamp(MathF.Round(sum), 0, 255);
                }
        return new(columns.Length, rows.Length, from.Channels, to);
    }

    /// <summary>Two neighbours and their weights, of 11 fractional bits.</summary>
    private readonly record struct Pair(int First, int Second, int FirstWeight, int SecondWeight);

    private static Pair[] Pairs(int from, int to, Func<int, double, (int First, float Part)> position)
    {
        return [.. Enumerable.Range(0, to).Select(PairOf)];

        Pair PairOf(int i)
        {
            var (first, part) = position(i, (double)to / from);
            if (first < 0) (first, part) = (0, 0);
            if (first >= from - 1) (first, part) = (from - 1, 0);
            return new(first, Math.Min(first + 1, from - 1), Fixed(1 - part), Fixed(part));
        }
    }

    private static (int First, float Part) BetweenCentres(int i, double growth)
    {
        var at = (float)((i + 0.5) * (1 / growth) - 0.5);
        var first = (int)MathF.Floor(at);
        return (first, at - first);
    }

    private static (int First, float Part) BetweenBorders(int i, double growth)
    {
        var first = (int)Math.Floor(i * (1 / growth));
        var part = (float)(i + 1 - (first + 1) * growth);
        return (first, part <= 0 ? 0 : part - MathF.Floor(part));
    }

    private static int Fixed(float weight) => (int)MathF.Round(weight * (1 << WeightBits));

    private static PixelGrid Blend(PixelGrid from, Pair[] columns, Pair[] rows)
    {
        var to = new byte[from.Channels * columns.Length * rows.Length];
        for (var y = 0; y < rows.Length; y++)
            for (var x = 0; x < columns.Length; x++)
                for (var c = 0; c < from.Channels; c++)
                {
                    int Across(int row, Pair pair) => At(row, pair.First) * pair.FirstWeight + At(row, pair.Second) * pair.SecondWeight;
                    int At(int row, int column) => from.Bytes[from.Channels * (row * from.Width + column) + c];
                    var (above, below) = (Across(rows[y].First, columns[x]) >> 4, Across(rows[y].Second, columns[x]) >> 4);
                    var sum = ((rows[y].FirstWeight * above) >> 16) + ((rows[y].SecondWeight * below) >> 16);
                    to[from.Channels * (y * columns.Length + x) + c] = (byte)Math.Clamp((sum + 2) >> 2, 0, 255);
                }
        return new(columns.Length, rows.Length, from.Channels, to);
    }
}
