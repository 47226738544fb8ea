using System.Text;

namespace DiffSynthSharp.Prompts;

/// <summary>What counts as a blank and as a word in prompts, and how much of a prompt is read.</summary>
/// <remarks>Python's <c>\s</c>, <c>\w</c> and <c>\b</c>, which A1111's prompt syntax is defined by.</remarks>
internal static class PromptCharacters
{
    /// <summary>The deepest nesting of brackets that is read.</summary>
    public const int MaxDepth = 100;

    /// <summary>The longest prompt that is read, in characters.</summary>
    public const int MaxLength = 100_000;

    public static bool IsBlank(char letter) => char.IsWhiteSpace(letter) || letter is >= '\x1c' and <= '\x1f';

    /// <summary>The first place at or behind <paramref name="start"/> that is no blank.</summary>
    public static int SkipBlanks(string text, int start)
    {
        while (start < text.Length && IsBlank(text[start])) start++;
        return start;
    }

    /// <summary>The text without the blanks at its end.</summary>
    public static string TrimEnd(string text)
    {
        var end = text.Length;
        while (end > 0 && IsBlank(text[end - 1])) end--;
        return text[..end];
    }

    /// <summary>Whether a letter, number or underscore stands before a place.</summary>
    public static bool IsWordBefore(string text, int place)
        => place > 0 && Rune.DecodeLastFromUtf16(text.AsSpan(0, place), out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);

    /// <summary>Whether a letter, number or underscore stands at a place.</summary>
    public static bool IsWordAt(string text, int place)
        => place < text.Length && Rune.DecodeFromUtf16(text.AsSpan(place), out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);

    /// <summary>The places of a word that stands by itself.</summary>
    public static IEnumerable<int> PlacesOf(string text, string word)
    {
        for (var at = text.IndexOf(word, StringComparison.Ordinal); at >= 0; at = text.IndexOf(word, at + word.Length, StringComparison.Ordinal))
            if (!IsWordBefore(text, at) && !IsWordAt(text, at + word.Length)) yield return at;
    }

    /// <exception cref="DiffSynthException">The prompt is longer than <see cref="MaxLength"/>.</exception>
    public static void CheckLength(string text)
    {
        if (text.Length > MaxLength) throw new DiffSynthException($"The prompt has {text.Length:N0} characters; at most {MaxLength:N0} are read.");
    }

    /// <exception cref="DiffSynthException">Brackets are nested deeper than <see cref="MaxDepth"/>.</exception>
    public static void CheckDepth(int depth)
    {
        if (depth > MaxDepth) throw new DiffSynthException($"The prompt's brackets are nested more than {MaxDepth} deep. Close them, or write \\( and \\[ for brackets that are text.");
    }

    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || rune.Value == '_'
        || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.LetterNumber or System.Globalization.UnicodeCategory.OtherNumber;
}
