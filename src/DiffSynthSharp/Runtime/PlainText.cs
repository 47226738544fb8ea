using System.Globalization;
using System.Text;

namespace DiffSynthSharp.Runtime;

/// <summary>Text that can be shown: nothing in it breaks the line, steers a terminal, or is invisible.</summary>
internal static class PlainText
{
    private const int LongestMessage = 2000;

    /// <summary>Appends a letter, escaped when it is none to be seen.</summary>
    public static StringBuilder AppendPlain(this StringBuilder text, char letter)
        => IsPlain(letter) ? text.Append(letter) : text.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}");

    /// <summary>A message on one line; the middle of a very long one is left out.</summary>
    public static string Message(string message)
    {
        if (message.Length <= LongestMessage && message.All(IsPlain)) return message;
        var shown = new StringBuilder();
        for (var i = 0; i < message.Length; i++)
        {
            shown.AppendPlain(message[i]);
            if (i != LongestMessage / 2 || message.Length <= LongestMessage) continue;
            shown.Append('…');
            i = message.Length - LongestMessage / 2;
        }
        return shown.ToString();
    }

    private static bool IsPlain(char letter) => !char.IsControl(letter)
        && char.GetUnicodeCategory(letter) is not (UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
