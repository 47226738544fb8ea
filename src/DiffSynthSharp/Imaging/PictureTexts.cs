using System.Buffers.Binary;

namespace DiffSynthSharp.Imaging;

/// <summary>The texts inside picture files, by which programs say what made them.</summary>
/// <remarks>W3C PNG 11.3.3; EXIF 2.32, tags 010E, 010F, 0110 and 9286, in JPEG's APP1 segment and WebP's EXIF chunk.</remarks>
public static class PictureTexts
{
    private const int MaxFileBytes = 256 << 20;

    /// <summary>
    /// The texts of a PNG, JPEG or WebP file by keyword. EXIF data's user comment stands under <c>parameters</c>, where A1111 puts it;
    /// its texts of the form <c>name:value</c>, as ComfyUI writes them, stand under their names.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <returns>Empty when there are none or the file is of another kind. Damaged and oversized parts are left out.</returns>
    /// <exception cref="DiffSynthException">The file cannot be read.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
        if (!File.Exists(path)) throw new DiffSynthException($"There is no picture '{path}'.");
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > MaxFileBytes) throw new DiffSynthException($"'{path}' has {stream.Length:N0} bytes; at most {MaxFileBytes:N0} are read.");
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return Read(bytes.AsSpan());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DiffSynthException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The same of a file's bytes.</summary>
    internal static Dictionary<string, string> Read(ReadOnlySpan<byte> file)
    {
        var exif = file is [0xFF, 0xD8, ..] ? OfJpeg(file)
            : file.Length > 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8) ? OfWebP(file)
            : default;
        return exif.IsEmpty ? PngText.Read(file) : ExifTexts.Read(exif);
    }

    // Segments up to the picture itself: FF, kind, length with itself, content.
    private static ReadOnlySpan<byte> OfJpeg(ReadOnlySpan<byte> file)
    {
        for (var at = 2; at + 4 <= file.Length && file[at] == 0xFF;)
        {
            if (file[at + 1] == 0xFF)
            {
                at++;
                continue;
            }
            var (kind, length) = (file[at + 1], BinaryPrimitives.ReadUInt16BigEndian(file[(at + 2)..]));
            if (kind == 0xDA || length < 2 || at + 2 + length > file.Length) break;
            var content = file.Slice(at + 4, length - 2);
            if (kind == 0xE1 && content.StartsWith("Exif\0\0"u8)) return content[6..];
            at += 2 + length;
        }
        return default;
    }

    // Chunks: name, length, content, padded to an even length.
    private static ReadOnlySpan<byte> OfWebP(ReadOnlySpan<byte> file)
    {
        for (var rest = file[12..]; rest.Length >= 8;)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            if (length > (uint)(rest.Length - 8)) break;
            var content = rest.Slice(8, (int)length);
            if (rest.StartsWith("EXIF"u8)) return content.StartsWith("Exif\0\0"u8) ? content[6..] : content;
            rest = rest[Math.Min(rest.Length, 8 + (int)length + (int)(length & 1))..];
        }
        return default;
    }
}
