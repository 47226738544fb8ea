using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;

namespace DiffSynthSharp.Imaging;

/// <summary>The text chunks of PNG files: what made a picture can be read back from it.</summary>
/// <remarks>W3C PNG, third edition, 11.3.3. As Pillow writes: tEXt when Latin-1 can say it, else iTXt.</remarks>
public static class PngText
{
    private const int SignatureLength = 8, ChunkOverhead = 12, HeaderChunk = 13 + ChunkOverhead;
    private const int MaxTextBytes = 1 << 20, MaxInflatedBytes = 4 << 20, MaxFileBytes = 256 << 20;

    private static ReadOnlySpan<byte> Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>The texts of a PNG file by keyword; the first of a keyword counts. Empty when the file is no PNG.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DiffSynthException">The file cannot be read.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path)
    {
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

    internal static Dictionary<string, string> Read(ReadOnlySpan<byte> png)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!png.StartsWith(Signature)) return texts;
        var left = MaxInflatedBytes; // of all compressed texts together
        for (var rest = png[SignatureLength..]; rest.Length >= ChunkOverhead;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > (uint)(rest.Length - ChunkOverhead)) break;
            var kind = rest.Slice(4, 4);
            var content = rest.Slice(8, (int)length);
            var text = length > MaxTextBytes ? null
                : kind.SequenceEqual("tEXt"u8) ? Plain(content)
                : kind.SequenceEqual("zTXt"u8) ? Compressed(content, ref left)
                : kind.SequenceEqual("iTXt"u8) ? International(content, ref left)
                : null;
            if (text is { } found) texts.TryAdd(found.Keyword, found.Text);
            rest = rest[((int)length + ChunkOverhead)..];
        }
        return texts;
    }

    /// <summary>The file with texts behind its header chunk.</summary>
    internal static byte[] Insert(byte[] png, IReadOnlyDictionary<string, string> texts)
    {
        using var result = new MemoryStream();
        result.Write(png, 0, SignatureLength + HeaderChunk);
        foreach (var (keyword, text) in texts) Write(result, keyword, text);
        result.Write(png.AsSpan(SignatureLength + HeaderChunk));
        return result.ToArray();
    }

    private static void Write(Stream to, string keyword, string text)
    {
        if (keyword.Length is < 1 or > 79 || keyword.Any(c => c is < ' ' or > '~'))
            throw new ArgumentException($"'{keyword}' is no PNG keyword: 1 to 79 printable ASCII characters.", nameof(keyword));
        var isLatin1 = text.All(c => c is > '\0' and <= '\u00FF');
        byte[] body = isLatin1
            ? [.. "tEXt"u8, .. Encoding.Latin1.GetBytes(keyword), 0, .. Encoding.Latin1.GetBytes(text)]
            : [.. "iTXt"u8, .. Encoding.Latin1.GetBytes(keyword), 0, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(text)];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, body.Length - 4);
        to.Write(number);
        to.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc32.HashToUInt32(body));
        to.Write(number);
    }

    private static (string Keyword, string Text)? Plain(ReadOnlySpan<byte> content)
    {
        var end = content.IndexOf((byte)0);
        return end < 1 ? null : (Encoding.Latin1.GetString(content[..end]), Encoding.Latin1.GetString(content[(end + 1)..]));
    }

    private static (string Keyword, string Text)? Compressed(ReadOnlySpan<byte> content, ref int left)
    {
        var end = content.IndexOf((byte)0);
        return end < 1 || content.Length < end + 2 || Inflate(content[(end + 2)..], ref left) is not { } text ? null
            : (Encoding.Latin1.GetString(content[..end]), Encoding.Latin1.GetString(text));
    }

    // Keyword 0, compressed?, method, language 0, translated keyword 0, text.
    private static (string Keyword, string Text)? International(ReadOnlySpan<byte> content, ref int left)
    {
        var end = content.IndexOf((byte)0);
        if (end < 1 || content.Length < end + 3) return null;
        var (keyword, isCompressed) = (Encoding.Latin1.GetString(content[..end]), content[end + 1] == 1);
        var rest = content[(end + 3)..];
        for (var skipped = 0; skipped < 2; skipped++)
        {
            var next = rest.IndexOf((byte)0);
            if (next < 0) return null;
            rest = rest[(next + 1)..];
        }
        if (!isCompressed) return (keyword, Encoding.UTF8.GetString(rest));
        return Inflate(rest, ref left) is { } text ? (keyword, Encoding.UTF8.GetString(text)) : null;
    }

    // Null when the text is damaged or too long.
    private static byte[]? Inflate(ReadOnlySpan<byte> compressed, ref int left)
    {
        try
        {
            using var stream = new ZLibStream(new MemoryStream(compressed.ToArray()), CompressionMode.Decompress);
            using var text = new MemoryStream();
            Span<byte> piece = stackalloc byte[4096];
            for (int count; (count = stream.Read(piece)) > 0; left -= count)
            {
                if (count > left || text.Length + count > MaxTextBytes) return null;
                text.Write(piece[..count]);
            }
            return text.ToArray();
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return null;
        }
    }
}
