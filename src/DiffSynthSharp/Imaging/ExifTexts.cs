using System.Buffers.Binary;
using System.Text;

namespace DiffSynthSharp.Imaging;

/// <summary>Texts of EXIF data, which is laid out as a TIFF file.</summary>
internal static class ExifTexts
{
    private const int Entry = 12, MaxTextBytes = 1 << 20, MaxEntries = 1000;
    private const ushort Description = 0x010E, Maker = 0x010F, Model = 0x0110, SubDirectory = 0x8769, UserComment = 0x9286;

    public static Dictionary<string, string> Read(ReadOnlySpan<byte> tiff)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (tiff.Length < 8 || !(tiff.StartsWith("II"u8) || tiff.StartsWith("MM"u8))) return texts;
        var reader = new Reader(tiff, tiff[0] == 'I');
        var sub = Directory(reader, reader.Long(4), texts);
        if (sub != 0) Directory(reader, sub, texts);
        return texts;
    }

    private readonly ref struct Reader(ReadOnlySpan<byte> bytes, bool isLittle)
    {
        public ReadOnlySpan<byte> Bytes { get; } = bytes;

        public uint Short(long at) => at < 0 || at + 2 > Bytes.Length ? 0u : isLittle
            ? BinaryPrimitives.ReadUInt16LittleEndian(Bytes[(int)at..]) : BinaryPrimitives.ReadUInt16BigEndian(Bytes[(int)at..]);

        public uint Long(long at) => at < 0 || at + 4 > Bytes.Length ? 0u : isLittle
            ? BinaryPrimitives.ReadUInt32LittleEndian(Bytes[(int)at..]) : BinaryPrimitives.ReadUInt32BigEndian(Bytes[(int)at..]);

        public ReadOnlySpan<byte> Slice(long at, long length)
            => length is < 0 or > MaxTextBytes || at + length > Bytes.Length ? default : Bytes.Slice((int)at, (int)length);
    }

    // Entries: tag, type, count, value or where it lies.
    private static long Directory(Reader reader, long at, Dictionary<string, string> texts)
    {
        var sub = 0L;
        var count = Math.Min((int)reader.Short(at), MaxEntries);
        for (var i = 0; i < count; i++)
        {
            var entry = at + 2 + i * Entry;
            var (tag, length) = (reader.Short(entry), reader.Long(entry + 4));
            var content = reader.Slice(length <= 4 ? entry + 8 : reader.Long(entry + 8), length);
            if (tag == SubDirectory) sub = reader.Long(entry + 8);
            else if (tag == UserComment && Comment(content) is { Length: > 0 } comment) texts.TryAdd("parameters", comment);
            else if (tag is Description or Maker or Model) AddNamed(Encoding.UTF8.GetString(content).TrimEnd('\0'), texts);
        }
        return sub;
    }

    private static void AddNamed(string text, Dictionary<string, string> texts)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon is > 0 and < 80 && text[..colon] is var name && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')) texts.TryAdd(name.ToLowerInvariant(), text[(colon + 1)..].Trim());
    }

    // Eight bytes name the character set.
    private static string Comment(ReadOnlySpan<byte> content)
    {
        if (content.Length < 8) return "";
        var text = content[8..];
        return (content.StartsWith("UNICODE"u8) ? Utf16(text) : Encoding.UTF8.GetString(text)).TrimEnd('\0');
    }

    // Which byte comes first is not said, and programs differ; Latin letters have a zero there.
    private static string Utf16(ReadOnlySpan<byte> text)
    {
        var (even, odd) = (0, 0);
        for (var i = 0; i + 1 < text.Length; i += 2)
        {
            if (text[i] == 0) even++;
            if (text[i + 1] == 0) odd++;
        }
        return (odd > even ? Encoding.Unicode : Encoding.BigEndianUnicode).GetString(text[..(text.Length & ~1)]).TrimStart('\uFEFF');
    }
}
