namespace DiffSynthSharp.Imaging;

/// <summary>Pictures of red, green, blue and alpha.</summary>
/// <remarks>python-pillow/Pillow, src/libImaging/Convert.c and AlphaComposite.c.</remarks>
internal static class Transparency
{
    /// <summary>Colours times alpha.</summary>
    public static PixelGrid Premultiply(PixelGrid rgba) => Colours(rgba, Times);

    /// <summary>Colours divided by alpha again, cut to whole levels.</summary>
    public static PixelGrid Divide(PixelGrid rgba) => Colours(rgba, (value, alpha) => alpha is 0 or 255 ? value : (byte)Math.Min(255, 255 * value / alpha));

    /// <summary>The picture as it looks on white.</summary>
    public static Picture OnWhite(PixelGrid rgba) => Opaque(rgba, (value, alpha) => (byte)((value * alpha + 255 * (255 - alpha) + 127) / 255));

    /// <summary>The colours alone.</summary>
    public static Picture Dropped(PixelGrid rgba) => Opaque(rgba, (value, _) => value);

    private static byte Times(byte value, byte alpha)
    {
        var product = value * alpha + 128;
        return (byte)(((product >> 8) + product) >> 8);
    }

    private static PixelGrid Colours(PixelGrid rgba, Func<byte, byte, byte> of)
    {
        var bytes = (byte[])rgba.Bytes.Clone();
        for (var i = 0; i < bytes.Length; i += 4)
            for (var c = 0; c < 3; c++) bytes[i + c] = of(bytes[i + c], bytes[i + 3]);
        return rgba with { Bytes = bytes };
    }

    private static Picture Opaque(PixelGrid rgba, Func<byte, byte, byte> of)
    {
        var rgb = new byte[3 * rgba.Width * rgba.Height];
        for (int from = 0, to = 0; to < rgb.Length; from += 4, to += 3)
            for (var c = 0; c < 3; c++) rgb[to + c] = of(rgba.Bytes[from + c], rgba.Bytes[from + 3]);
        return new(rgba.Width, rgba.Height, rgb);
    }
}
