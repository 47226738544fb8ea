using System.Globalization;
using System.Text;
using DiffSynthSharp.Tokenizers.Repair;

namespace DiffSynthSharp.Tokenizers;

/// <summary>Cuts a text into the words that CLIP's byte pair encoding works on.</summary>
/// <remarks>OpenAI CLIP, clip/simple_tokenizer.py; transformers 4.51, tokenization_clip.py (with ftfy).</remarks>
internal static class ClipWords
{
    private static readonly string[] s_specials = ["<|startoftext|>", "<|endoftext|>"];
    private static readonly string[] s_contractions = ["'s", "'ſ", "'t", "'re", "'ve", "'m", "'ll", "'d"];

    /// <summary>The words of a text, cleaned and in lower case.</summary>
    public static IEnumerable<string> Of(string text)
    {
        var clean = LowerCase.Of(OneSpaceEach(TextRepair.Fix(text)));
        for (var start = 0; start < clean.Length;)
        {
            var length = LengthOfWord(clean, start);
            if (length == 0)
            {
                start++;
                continue;
            }
            yield return clean.Substring(start, length);
            start += length;
        }
    }

    /// <summary>Whether a word is the spelling of a begin or end token.</summary>
    public static bool IsSpecial(string word) => s_specials.Contains(word);

    private static string OneSpaceEach(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private enum Kind { Space, Letter, Digit, Other }

    private static int LengthOfWord(string text, int start)
    {
        foreach (var fixedWord in s_specials.Concat(s_contractions))
            if (string.CompareOrdinal(text, start, fixedWord, 0, fixedWord.Length) == 0) return fixedWord.Length;
        var (kind, length) = KindAt(text, start);
        if (kind == Kind.Space) return 0;
        var end = start + length;
        while (kind != Kind.Digit && end < text.Length && KindAt(text, end) is var next && next.Kind == kind) end += next.Length;
        return end - start;
    }

    private static (Kind Kind, int Length) KindAt(string text, int at)
    {
        Rune.DecodeFromUtf16(text.AsSpan(at), out var rune, out var length);
        return (Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter
                or UnicodeCategory.OtherLetter => Kind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => Kind.Digit,
            _ => rune.Value == ' ' ? Kind.Space : Kind.Other,
        }, length);
    }
}
