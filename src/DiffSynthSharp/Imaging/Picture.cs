namespace DiffSynthSharp.Imaging;

/// <summary>A picture of red, green and blue bytes. Not changed after it is made.</summary>
public sealed class Picture
{
    /// <summary>The most pixels a picture may have: 64 million.</summary>
    public const int MaxPixels = 64_000_000;

    private readonly byte[] _rgb;

    /// <summary>A picture of given bytes, which it keeps.</summary>
    /// <param name="width">Pixels per row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="rgb">Red, green, blue of every pixel, row by row from the top.</param>
    /// <exception cref="ArgumentException">The bytes are not 3 × width × height, or the picture is empty or larger than <see cref="MaxPixels"/>.</exception>
    public Picture(int width, int height, byte[] rgb)
    {
        if (width < 1 || height < 1 || (long)width * height > MaxPixels)
            throw new ArgumentException($"A picture of {width}×{height} pixels; expected 1 to {MaxPixels:N0} pixels.");
        if (rgb.Length != 3 * width * height)
            throw new ArgumentException($"{rgb.Length} bytes for {width}×{height} pixels; expected {3 * width * height}.", nameof(rgb));
        (Width, Height, _rgb) = (width, height, rgb);
    }

    /// <summary>A black picture.</summary>
    internal static Picture Plain(int width, int height) => new(width, height, new byte[3 * width * height]);

    /// <summary>Pixels per row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Red, green, blue of every pixel, row by row from the top.</summary>
    public ReadOnlySpan<byte> Rgb => _rgb;

    /// <summary>Full path of the file that it, or what it was resized from, was loaded from; null when it comes from elsewhere.</summary>
    public string? Origin { get; private init; }

    /// <summary>The bytes with their sizes; not to be written to.</summary>
    internal PixelGrid Pixels => new(Width, Height, 3, _rgb);

    /// <summary>Red, green and blue of one pixel.</summary>
    /// <param name="x">From the left, 0 to <see cref="Width"/> − 1.</param>
    /// <param name="y">From the top, 0 to <see cref="Height"/> − 1.</param>
    public (byte Red, byte Green, byte Blue) this[int x, int y]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)x, (uint)Width, nameof(x));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)y, (uint)Height, nameof(y));
            var at = 3 * (y * Width + x);
            return (_rgb[at], _rgb[at + 1], _rgb[at + 2]);
        }
    }

    /// <summary>Reads a PNG, JPEG or WebP file (also GIF and BMP): upright as its EXIF data says, on white where it is transparent.</summary>
    /// <exception cref="DiffSynthException">There is no such file, it is no picture, is damaged, or has more than <see cref="MaxPixels"/> pixels.</exception>
    public static Picture Load(string path)
    {
        var picture = PictureFile.Load(path);
        return new(picture.Width, picture.Height, picture._rgb) { Origin = System.IO.Path.GetFullPath(path) };
    }

    /// <summary>Reads the bytes of a picture file, as <see cref="Load(string)"/> does.</summary>
    /// <param name="file">PNG, JPEG, WebP, GIF or BMP.</param>
    /// <exception cref="DiffSynthException">They are no picture, are damaged, or have more than <see cref="MaxPixels"/> pixels.</exception>
    public static Picture Load(ReadOnlyMemory<byte> file)
    {
        using var stream = new MemoryStream(file.ToArray());
        return PictureFile.Read(stream, "the given bytes");
    }

    /// <summary>Writes a PNG, JPEG (quality 95) or WebP (lossless) file, as the extension says. It appears whole or not at all.</summary>
    /// <param name="path">Ends in .png, .jpg, .jpeg or .webp.</param>
    /// <param name="texts">Text by keyword to keep in a PNG, such as <c>parameters</c>; other formats have no place for it.</param>
    /// <exception cref="DiffSynthException">The extension is unknown, or the file cannot be written.</exception>
    public void Save(string path, IReadOnlyDictionary<string, string>? texts = null) => PictureFile.Save(this, path, texts);

    /// <summary>The picture at another size, resized as Pillow does it.</summary>
    /// <param name="width">Pixels per row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="filter">How pixels are weighed.</param>
    /// <exception cref="ArgumentException">The size is empty or larger than <see cref="MaxPixels"/>.</exception>
    public Picture Resize(int width, int height, ResizeFilter filter = ResizeFilter.Bicubic)
    {
        var resized = PictureResize.To(Pixels, width, height, filter);
        return new(resized.Width, resized.Height, resized.Bytes) { Origin = Origin };
    }

    /// <summary>The pixels of a rectangle that lies inside.</summary>
    internal Picture Crop(int left, int top, int width, int height) => Of(Pixels.Crop(left, top, width, height));

    /// <summary>A picture of three channels.</summary>
    internal static Picture Of(PixelGrid pixels) => new(pixels.Width, pixels.Height, pixels.Bytes);

    /// <summary>Makes sure that a file's extension names a format that pictures can be written in.</summary>
    /// <exception cref="DiffSynthException">It does not; the message lists those that do.</exception>
    public static void CheckFileName(string path) => PictureFile.CheckName(path);

    /// <summary>The picture as the bytes of a PNG file.</summary>
    /// <param name="texts">Text by keyword to keep in it.</param>
    public byte[] ToPng(IReadOnlyDictionary<string, string>? texts = null) => PictureFile.Encode(this, ".png", texts);
}
