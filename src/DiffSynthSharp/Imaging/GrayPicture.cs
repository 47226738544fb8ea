namespace DiffSynthSharp.Imaging;

/// <summary>A picture of one channel: a mask, or edges.</summary>
/// <param name="width">Pixels per row.</param>
/// <param name="height">Rows.</param>
/// <param name="levels">0 black … 255 white, row by row from the top; kept, not copied.</param>
internal sealed class GrayPicture(int width, int height, byte[] levels)
{
    /// <summary>Pixels per row.</summary>
    public int Width => width;

    /// <summary>Rows.</summary>
    public int Height => height;

    /// <summary>0 black … 255 white, row by row from the top.</summary>
    public byte[] Levels => levels;

    private PixelGrid Pixels => new(width, height, 1, levels);

    /// <summary>How bright a picture is (ITU-R 601-2).</summary>
    /// <remarks>python-pillow/Pillow, src/libImaging/Convert.c.</remarks>
    public static GrayPicture Of(Picture picture)
    {
        var rgb = picture.Rgb;
        var levels = new byte[picture.Width * picture.Height];
        for (var i = 0; i < levels.Length; i++) levels[i] = (byte)((19595 * rgb[3 * i] + 38470 * rgb[3 * i + 1] + 7471 * rgb[3 * i + 2] + 32768) >> 16);
        return new(picture.Width, picture.Height, levels);
    }

    /// <summary>The picture at another size, resized as Pillow does it.</summary>
    public GrayPicture Resize(int toWidth, int toHeight, ResizeFilter filter = ResizeFilter.Bicubic)
        => new(toWidth, toHeight, PictureResize.To(Pixels, toWidth, toHeight, filter).Bytes);

    /// <summary>Three equal channels.</summary>
    public Picture ToPicture()
    {
        var rgb = new byte[3 * levels.Length];
        for (var i = 0; i < levels.Length; i++) rgb.AsSpan(3 * i, 3).Fill(levels[i]);
        return new(width, height, rgb);
    }

    /// <summary>Edges made soft: along rows, then along columns, with bytes between.</summary>
    /// <param name="blur">Standard deviation in pixels; 0 changes nothing.</param>
    /// <remarks>AUTOMATIC1111/stable-diffusion-webui, modules/processing.py ("Mask blur"): a kernel of 2 × ⌊2.5 blur + ½⌋ + 1 pixels.</remarks>
    public GrayPicture Blurred(double blur)
    {
        if (blur <= 0) return this;
        var taps = GaussianBlur.Taps(2 * (int)(2.5 * blur + 0.5) + 1, blur);
        return GaussianBlur.Of(GaussianBlur.Of(this, taps, [1]), [1], taps);
    }

    /// <summary>White areas grown by a number of pixels to every side, corners staying corners; shrunk when it is negative.</summary>
    public GrayPicture Expanded(int by)
    {
        if (by == 0) return this;
        if (by < 0) return Inverted().Expanded(-by).Inverted();
        return new(width, height, Columns(Rows(levels, by), by));
    }

    private GrayPicture Inverted() => new(width, height, [.. levels.Select(level => (byte)(255 - level))]);

    private byte[] Rows(byte[] from, int by)
    {
        var to = new byte[from.Length];
        for (var y = 0; y < height; y++) Line(from, to, y * width, 1, width, by);
        return to;
    }

    private byte[] Columns(byte[] from, int by)
    {
        var to = new byte[from.Length];
        for (var x = 0; x < width; x++) Line(from, to, x, width, height, by);
        return to;
    }

    // The largest of 2 × by + 1 neighbours, in time that doesn't depend on their number: a falling queue of candidates.
    private static void Line(byte[] from, byte[] to, int start, int stride, int count, int by)
    {
        var queue = new int[count];
        var (first, end, next) = (0, 0, 0);
        for (var i = 0; i < count; i++)
        {
            for (; next < count && next <= (long)i + by; next++)
            {
                while (end > first && from[start + queue[end - 1] * stride] <= from[start + next * stride]) end--;
                queue[end++] = next;
            }
            if (queue[first] < (long)i - by) first++;
            to[start + i * stride] = from[start + queue[first] * stride];
        }
    }
}
