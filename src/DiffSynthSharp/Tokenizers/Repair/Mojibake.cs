using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace DiffSynthSharp.Tokenizers.Repair;

/// <summary>Undoes the reading of UTF-8 as another encoding (<c>schÃ¶n</c>), where the text shows that this happened.</summary>
/// <remarks>Follows ftfy 6.3.1 (rspeer/python-ftfy, <c>fix_encoding</c>).</remarks>
internal static class Mojibake
{
    // Bytes are handled as text of the characters 00..FF, so that regular expressions see them.
    private static readonly Lazy<Regex> s_spaceForA0 = Lazily(
        @"[\xc2\xc3\xc5\xce\xd0\xd9] "
        + @"|[\xe2\xe3] [\x80-\x84\x86-\x9f\xa1-\xbf]|[\xe0-\xe3][\x80-\x84\x86-\x9f\xa1-\xbf] "
        + @"|\xf0 [\x80-\xbf][\x80-\xbf]|\xf0[\x80-\xbf] [\x80-\xbf]|\xf0[\x80-\xbf][\x80-\xbf] ");

    // "à la" is a word of its own, "àquele" and "às" are not.
    private static readonly Lazy<Regex> s_graveWord = Lazily(@"\xc3 (?! |quele|quela|quilo|s )");

    private static readonly Lazy<Regex> s_lossy = Lazily(
        @"[\xc2-\xdf]\x1a|[\xc2-\xc3]\?"
        + @"|\xed[\xa0-\xaf][\x1a?]\xed[\xb0-\xbf][\x1a?\x80-\xbf]|\xed[\xa0-\xaf][\x1a?\x80-\xbf]\xed[\xb0-\xbf][\x1a?]"
        + @"|[\xe0-\xef][\x1a?][\x1a\x80-\xbf]|[\xe0-\xef][\x1a\x80-\xbf][\x1a?]"
        + @"|[\xf0-\xf4][\x1a?][\x1a\x80-\xbf][\x1a\x80-\xbf]|[\xf0-\xf4][\x1a\x80-\xbf][\x1a?][\x1a\x80-\xbf]"
        + @"|[\xf0-\xf4][\x1a\x80-\xbf][\x1a\x80-\xbf][\x1a?]|\x1a");

    // CESU-8: a character beyond FFFF as two encoded surrogates.
    private static readonly Lazy<Regex> s_surrogates = Lazily(@"\xed([\xa0-\xaf])([\x80-\xbf])\xed([\xb0-\xbf])([\x80-\xbf])");

    /// <summary>The text as it was meant; unchanged when nothing shows that it was misread.</summary>
    public static string Undo(string text)
    {
        while (true)
        {
            var before = text;
            text = Step(text);
            if (text == before) return text;
        }
    }

    /// <summary>Control characters 80..9F as the characters of Windows-1252 that were meant.</summary>
    public static string ReadControls(string text)
        => string.Create(text.Length, text, (span, from) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = from[i] is >= '\u0080' and <= '\u009F' ? Charmap.Windows1252.Decode((byte)from[i]) : from[i];
        });

    private static string Step(string text)
    {
        if (Ascii.IsValid(text) || !MojibakeSigns.AreIn(text)) return text;
        foreach (var charmap in Charmap.All)
            if (charmap.TryEncode(text) is { } bytes && TryRead(charmap, bytes) is { } meant) return meant;
        var mended = MojibakeSigns.LooksLikeUtf8.Replace(
            text, match => match.Length < text.Length && MojibakeSigns.AreIn(match.Value) ? Undo(match.Value) : match.Value);
        return mended != text ? mended : ReadControls(text);
    }

    private static string? TryRead(Charmap charmap, byte[] encoded)
    {
        var bytes = Encoding.Latin1.GetString(encoded);
        if (charmap.Name != "macroman" && s_spaceForA0.Value.IsMatch(bytes))
        {
            bytes = s_graveWord.Value.Replace(bytes, "\u00c3\u00a0 ");
            bytes = s_spaceForA0.Value.Replace(bytes, match => match.Value.Replace(' ', '\u00a0'));
        }
        if (charmap.IsWindows) bytes = s_lossy.Value.Replace(bytes, "\u00ef\u00bf\u00bd");
        bytes = s_surrogates.Value.Replace(bytes, match => Joined(match.Groups)).Replace("\u00c0\u0080", "\0", StringComparison.Ordinal);
        var utf8 = Encoding.Latin1.GetBytes(bytes);
        return Utf8.IsValid(utf8) ? Encoding.UTF8.GetString(utf8) : null;
    }

    private static string Joined(GroupCollection bytes)
    {
        int Bits(int group, int mask) => bytes[group].Value[0] & mask;
        var point = 0x10000 + (Bits(1, 0x0F) << 16) + (Bits(2, 0x3F) << 10) + (Bits(3, 0x0F) << 6) + Bits(4, 0x3F);
        return Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(char.ConvertFromUtf32(point)));
    }

    private static Lazy<Regex> Lazily(string pattern) => new(() => new Regex(pattern, RegexOptions.CultureInvariant));
}
