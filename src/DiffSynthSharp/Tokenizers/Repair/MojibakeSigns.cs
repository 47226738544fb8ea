using System.Text.RegularExpressions;

namespace DiffSynthSharp.Tokenizers.Repair;

/// <summary>Sequences of characters that people do not write and that wrongly decoded text is full of.</summary>
/// <remarks>The rules are those of ftfy 6.3.1 (rspeer/python-ftfy, ftfy/badness.py and ftfy/chardata.py; Apache-2.0).</remarks>
internal static class MojibakeSigns
{
    /// <summary>Whether some part of a text is unlikely to be meant.</summary>
    public static bool AreIn(string text) => s_signs.Value.Unlikely.IsMatch(text);

    /// <summary>Runs of characters that may be UTF-8 read as something else; a space may stand where a no-break space was.</summary>
    public static Regex LooksLikeUtf8 => s_signs.Value.LooksLikeUtf8;

    private const string Utf8 = "(?<![{utf8_continuation_strict}])(?:[{utf8_first_of_2}][{utf8_continuation}]"
        + "|[{utf8_first_of_3}][{utf8_continuation}]{2}|[{utf8_first_of_4}][{utf8_continuation}]{3})+";

    private const string Accented = "{lower_accented}{upper_accented}";
    private const string Arabic = @"[ØÙ][{common}{currency}{bad}{numeric}{start_punctuation}ŸŠ®°µ»]";

    private static readonly string[] s_unlikely =
    [
        "[{c1}]",

        // Signs of no use next to letters, drawings, punctuation, money and numbers.
        $"[{Accented}{{bad}}{{box}}{{start_punctuation}}{{end_punctuation}}{{currency}}{{numeric}}{{law}}][{{bad}}]",
        "[a-zA-Z][{lower_common}{upper_common}][{bad}]",
        $"[{{bad}}][{Accented}{{box}}{{start_punctuation}}{{end_punctuation}}{{currency}}{{numeric}}{{law}}]",

        // An accented letter begins in the middle of something else.
        "[{lower_accented}{lower_common}{box}{end_punctuation}{currency}{numeric}][{upper_accented}]",
        "[{box}{end_punctuation}{currency}{numeric}][{lower_accented}]",
        "[{lower_accented}{box}{end_punctuation}][{currency}]",
        @"[\s\x1c-\x1f][{upper_accented}][{currency}]",
        "[{upper_accented}{box}][{numeric}{law}]",

        // Brackets and quotes that open where they should close, or the other way round.
        $"[{Accented}{{box}}{{currency}}{{end_punctuation}}][{{start_punctuation}}][{{numeric}}]",
        $"[{Accented}{{currency}}{{numeric}}{{box}}{{law}}][{{end_punctuation}}][{{start_punctuation}}]",
        "[{currency}{numeric}{box}][{start_punctuation}]",
        "[a-z][{upper_accented}][{start_punctuation}{currency}]",

        // Line drawings among letters.
        "[{box}][{kaomoji}]",
        $"[{Accented}{{currency}}{{numeric}}{{start_punctuation}}{{end_punctuation}}{{law}}][{{box}}]",
        "[{box}][{end_punctuation}]",
        $@"[{Accented}][{{start_punctuation}}{{end_punctuation}}][\p{{L}}\p{{N}}_]",
        "[Œœ][^A-Za-z]",
        "[{upper_accented}]°",

        // Windows-1252: Western letters, Arabic, South Asian scripts.
        @"[ÂÃÎÐ][€œŠš¢£Ÿž\xa0\xad®©°·»{start_punctuation}{end_punctuation}–—´]",
        "×[²³]",
        Arabic + Arabic,
        "à[²µ¹¼½¾]",

        // MacRoman.
        "√[±∂†≠®™´≤≥¥µø]",
        "≈[°¢]",
        "‚Ä[ìîïòôúùû†°¢π]",
        "‚[âó][àä°ê]",

        // Windows-1251.
        "вЂ",
        "[ВГРС][{c1}{bad}{start_punctuation}{end_punctuation}{currency}°µ][ВГРС]",
        "ГўВЂВ.[A-Za-z ]",

        // Â and Ã before a space that was a no-break space.
        @"Ã[\xa0¡]",
        @"[a-z][\s\x1c-\x1f]?[ÃÂ][ ]",
        "^[ÃÂ][ ]",
        "[a-z.,?!{end_punctuation}]Â[ {start_punctuation}{end_punctuation}]",

        // Windows-1253 and Windows-1257.
        @"β€[™\xa0Ά\xad®°]",
        "[ΒΓΞΟ][{c1}{bad}{start_punctuation}{end_punctuation}{currency}°][ΒΓΞΟ]",
        "ā€",
    ];

    // Behind the rules, which it reads.
    private static readonly Lazy<(Regex Unlikely, Regex LooksLikeUtf8)> s_signs = new(() =>
    {
        var groups = RepairTable.Rows("mojibake").ToDictionary(row => row[0], row => RepairTable.CharacterClass(row[1]));
        string Fill(string rule) => Regex.Replace(rule, "{([a-z][a-z0-9_]+)}", match => groups[match.Groups[1].Value]);
        return (new Regex(Fill(string.Join('|', s_unlikely)), RegexOptions.CultureInvariant), new Regex(Fill(Utf8), RegexOptions.CultureInvariant));
    });
}
