using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace DiffSynthSharp.Tokenizers.Repair;

/// <summary>HTML's character references (<c>&amp;amp; &amp;#233; &amp;#xE9;</c>), read where they end in a semicolon.</summary>
/// <remarks>Names: WHATWG HTML, section 13.5. Which are read: ftfy 6.3.1 (rspeer/python-ftfy, ftfy/fixes.py, <c>unescape_html</c>).</remarks>
internal static class HtmlReferences
{
    private static readonly Lazy<Dictionary<string, string>> s_names = new(
        () => RepairTable.Rows("entities").ToDictionary(row => row[0], row => RepairTable.Text(row[1]), StringComparer.Ordinal));

    private static readonly Lazy<Regex> s_reference = new(() => new Regex("&(#?[0-9A-Za-z]{1,24});", RegexOptions.CultureInvariant));

    /// <summary>The text with every reference that is known replaced by what it stands for.</summary>
    public static string Resolve(string text)
        => text.Contains('&') ? s_reference.Value.Replace(text, match => Meaning(match.Groups[1].Value) ?? match.Value) : text;

    private static string? Meaning(string reference)
    {
        if (!reference.StartsWith('#')) return s_names.Value.GetValueOrDefault(reference);
        var isHex = reference.Length > 1 && reference[1] is 'x' or 'X';
        var digits = reference.AsSpan(isHex ? 2 : 1);
        if (digits.IsEmpty || digits.ContainsAnyExcept(isHex ? "0123456789abcdefABCDEF" : "0123456789")) return null;
        // A leading 0 keeps a hexadecimal number from being read as a negative one.
        var number = BigInteger.Parse($"0{digits}", isHex ? NumberStyles.HexNumber : NumberStyles.None, CultureInfo.InvariantCulture);
        return number > 0x10FFFF ? "\uFFFD" : Character((int)number);
    }

    // Numbers that are no characters: HTML reads 80..9F as Windows-1252, and the rest as nothing or as a replacement character.
    private static string Character(int number) => number switch
    {
        0 or (>= 0xD800 and <= 0xDFFF) => "\uFFFD",
        >= 0x80 and <= 0x9F => Charmap.Windows1252.Decode((byte)number).ToString(),
        (>= 0x01 and <= 0x08) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or (>= 0xFDD0 and <= 0xFDEF) => "",
        _ when (number & 0xFFFE) == 0xFFFE => "",
        _ => char.ConvertFromUtf32(number),
    };
}
