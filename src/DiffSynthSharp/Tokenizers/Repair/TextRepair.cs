using System.Text;
using System.Text.RegularExpressions;

namespace DiffSynthSharp.Tokenizers.Repair;

/// <summary>
/// Cleans text as CLIP's tokenizer expects: wrongly decoded text, HTML references, ligatures, full and half width forms, curly quotes, odd
/// line ends, terminal escapes and control characters; then Unicode's normal form C.
/// </summary>
/// <remarks>Follows <c>ftfy.fix_text</c> 6.3.1 (rspeer/python-ftfy, ftfy/__init__.py and ftfy/fixes.py), which OpenAI's CLIP calls.</remarks>
internal static class TextRepair
{
    private static readonly Lazy<Dictionary<char, string>> s_replacements = new(
        () => RepairTable.Rows("replacements").ToDictionary(row => (char)RepairTable.CodePoint(row[1]), row => RepairTable.Text(row[2])));

    private static readonly Lazy<Regex> s_terminalEscape = new(() => new Regex(@"\x1b\[[\d;]*[a-zA-Z]", RegexOptions.CultureInvariant));

    /// <summary>The repaired text.</summary>
    public static string Fix(string text)
    {
        var result = new StringBuilder(text.Length);
        var isHtml = false;
        for (var start = 0; start < text.Length;)
        {
            var end = text.IndexOf('\n', start) + 1;
            if (end == 0) end = text.Length;
            var line = text[start..end];
            // A literal < says that this is HTML, whose references are to be left, from here on.
            isHtml |= line.Contains('<');
            result.Append(FixLine(line, readReferences: !isHtml));
            start = end;
        }
        return result.ToString();
    }

    private static string FixLine(string text, bool readReferences)
    {
        while (true)
        {
            var before = text;
            if (readReferences) text = HtmlReferences.Resolve(text);
            if (!Ascii.IsValid(text)) text = FixCharacters(Mojibake.ReadControls(Mojibake.Undo(text)));
            text = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
            if (text.Contains('\u001b')) text = s_terminalEscape.Value.Replace(text, "");
            text = RemoveControls(text);
            text = CanonicalComposition.Of(text);
            if (text == before) return text;
        }
    }

    private static string FixCharacters(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i)) result.Append(text[i++]).Append(text[i]);
            else if (s_replacements.Value.TryGetValue(text[i], out var replacement)) result.Append(replacement.Replace('\u02BC', '\''));
            else result.Append(Plain(text[i]));
        }
        return result.ToString();
    }

    private static char Plain(char c) => c switch
    {
        '\u02BC' or (>= '\u2018' and <= '\u201B') => '\'',
        >= '\u201C' and <= '\u201F' => '"',
        '\u2028' or '\u2029' or '\u0085' => '\n',
        >= '\uD800' and <= '\uDFFF' => '\uFFFD',
        _ => c,
    };

    private static string RemoveControls(string text)
        => text.Any(IsUnwanted) ? string.Concat(text.Where(c => !IsUnwanted(c))) : text;

    private static bool IsUnwanted(char c) => c is <= '\u0008' or '\u000B' or (>= '\u000E' and <= '\u001F') or '\u007F'
        or (>= '\u206A' and <= '\u206F') or '\uFEFF' or (>= '\uFFF9' and <= '\uFFFC');
}
