using System.Globalization;
using System.Text;

namespace DiffSynthSharp.Tokenizers;

/// <summary>Lower case by Unicode's full mapping, as Python's <c>str.lower</c> has it.</summary>
/// <remarks>
/// Differs from .NET's simple mapping in two places (Unicode SpecialCasing.txt): U+0130 becomes i and a combining dot, and a capital sigma at
/// the end of a word becomes U+03C2.
/// </remarks>
internal static class LowerCase
{
    private const int CapitalSigma = 0x03A3;

    public static string Of(string text)
    {
        if (Ascii.IsValid(text)) return text.ToLowerInvariant();
        var runes = text.EnumerateRunes().ToArray();
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < runes.Length; i++)
            result.Append(runes[i].Value switch
            {
                0x0130 => "i\u0307",
                CapitalSigma => EndsWord(runes, i) ? "\u03C2" : "\u03C3",
                _ => Rune.ToLowerInvariant(runes[i]).ToString(),
            });
        return result.ToString();
    }

    private static bool EndsWord(Rune[] runes, int at)
    {
        var before = at - 1;
        while (before >= 0 && IsPassedOver(runes[before])) before--;
        if (before < 0 || !IsCased(runes[before])) return false;
        var after = at + 1;
        while (after < runes.Length && IsPassedOver(runes[after])) after++;
        return after == runes.Length || !IsCased(runes[after]);
    }

    // Unicode's Cased; the modifier letters among it never get here, for they are passed over.
    private static bool IsCased(Rune rune)
        => Rune.GetUnicodeCategory(rune) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter
        || rune.Value is 0xAA or 0xBA or (>= 0x2160 and <= 0x217F) or (>= 0x24B6 and <= 0x24E9)
            or (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189);

    // Unicode's Case_Ignorable.
    private static bool IsPassedOver(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark
            or UnicodeCategory.Format or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol
        || rune.Value is '\'' or '.' or ':' or 0xB7 or 0x387 or 0x55F or 0x5F4 or 0x2018 or 0x2019 or 0x2024 or 0x2027
            or 0xFE13 or 0xFE52 or 0xFE55 or 0xFF07 or 0xFF0E or 0xFF1A;
}
