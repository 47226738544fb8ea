using System.Runtime.InteropServices;
using DiffSynthSharp.Runtime;
using SkiaSharp;

namespace DiffSynthSharp.Imaging;

/// <summary>Picture files: SkiaSharp's codecs, with bounds set before anything is decoded.</summary>
internal static class PictureFile
{
    private const int JpegQuality = 95;

    private static readonly string[] s_extensions = [".png", ".jpg", ".jpeg", ".webp"];

    /// <exception cref="DiffSynthException">A picture cannot be written under this name.</exception>
    public static void CheckName(string path)
    {
        if (!s_extensions.Contains(Path.GetExtension(path).ToLowerInvariant()))
            throw new DiffSynthException($"'{path}' names no picture format; known are {string.Join(", ", s_extensions)}.");
    }

    public static Picture Load(string path)
    {
        if (Directory.Exists(path)) throw new DiffSynthException($"'{path}' is a folder; expected a picture file.");
        if (!File.Exists(path)) throw new DiffSynthException($"There is no picture '{path}'.");
        try
        {
            using var stream = File.OpenRead(path);
            return Read(stream, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DiffSynthException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <param name="stream">The file's bytes.</param>
    /// <param name="name">What errors call it.</param>
    public static Picture Read(Stream stream, string name)
    {
        using var codec = SKCodec.Create(stream, out var result)
            ?? throw new DiffSynthException($"'{name}' is no picture that can be read ({result}); expected PNG, JPEG or WebP.");
        var info = codec.Info;
        if (info.Width < 1 || info.Height < 1 || (long)info.Width * info.Height > Picture.MaxPixels)
            throw new DiffSynthException($"'{name}' has {info.Width}×{info.Height} pixels; at most {Picture.MaxPixels:N0} are read.");
        return Upright(Decode(codec, name), codec.EncodedOrigin);
    }

    public static void Save(Picture picture, string path, IReadOnlyDictionary<string, string>? texts)
    {
        CheckName(path);
        var bytes = Encode(picture, Path.GetExtension(path).ToLowerInvariant(), texts);
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    public static byte[] Encode(Picture picture, string extension, IReadOnlyDictionary<string, string>? texts)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(picture.Width, picture.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var pixels = bitmap.GetPixelSpan();
        var rgb = picture.Rgb;
        for (int from = 0, to = 0; from < rgb.Length; from += 3, to += 4)
        {
            rgb.Slice(from, 3).CopyTo(pixels[to..]);
            pixels[to + 3] = 255;
        }
        using var pixmap = bitmap.PeekPixels();
        using var data = extension switch
        {
            ".png" => pixmap.Encode(SKPngEncoderOptions.Default),
            ".webp" => pixmap.Encode(new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, 75)),
            _ => pixmap.Encode(new SKJpegEncoderOptions(JpegQuality, SKJpegEncoderDownsample.Downsample444, SKJpegEncoderAlphaOption.Ignore)),
        } ?? throw new DiffSynthException($"A picture of {picture.Width}×{picture.Height} pixels does not fit into a {extension} file.");
        var bytes = data.ToArray();
        return extension == ".png" && texts is { Count: > 0 } ? PngText.Insert(bytes, texts) : bytes;
    }

    private static Picture Decode(SKCodec codec, string path)
    {
        // No colour space asked for: the values as they are stored, as every other tool of the field reads them.
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        var rgba = new byte[info.BytesSize];
        var pin = GCHandle.Alloc(rgba, GCHandleType.Pinned);
        try
        {
            var result = codec.GetPixels(info, pin.AddrOfPinnedObject());
            if (result != SKCodecResult.Success)
                throw new DiffSynthException($"'{path}' is damaged: decoding its {info.Width}×{info.Height} pixels ended with {result}.");
        }
        finally
        {
            pin.Free();
        }
        return Transparency.OnWhite(new(info.Width, info.Height, 4, rgba));
    }

    private static Picture Upright(Picture picture, SKEncodedOrigin origin)
    {
        if (origin is SKEncodedOrigin.TopLeft or SKEncodedOrigin.Default) return picture;
        var isTurned = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        var (right, bottom) = (picture.Width - 1, picture.Height - 1);
        var (width, height) = isTurned ? (picture.Height, picture.Width) : (picture.Width, picture.Height);
        var rgb = new byte[3 * width * height];
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                // Where the pixel that belongs at (x, y) is stored (EXIF 2.32, tag 0112).
                var (fromX, fromY) = origin switch
                {
                    SKEncodedOrigin.TopRight => (right - x, y),
                    SKEncodedOrigin.BottomRight => (right - x, bottom - y),
                    SKEncodedOrigin.BottomLeft => (x, bottom - y),
                    SKEncodedOrigin.LeftTop => (y, x),
                    SKEncodedOrigin.RightTop => (y, bottom - x),
                    SKEncodedOrigin.RightBottom => (right - y, bottom - x),
                    _ => (right - y, x),
                };
                picture.Rgb.Slice(3 * (fromY * picture.Width + fromX), 3).CopyTo(rgb.AsSpan(3 * (y * width + x)));
            }
        return new Picture(width, height, rgb);
    }
}
