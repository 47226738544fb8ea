using System.Text;
using DiffSynthSharp.Runtime;

namespace DiffSynthSharp.Weights;

/// <summary>Makes text from a file fit to be shown: names in checkpoints may hold anything.</summary>
internal static class OneLine
{
    private const int End = 250;

    /// <summary>The text with line breaks, terminal controls and invisible marks escaped; the middle of a very long one is left out.</summary>
    public static string Of(string text)
    {
        var shown = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            var letter = text[i];
            if (i == End && text.Length > 2 * End)
            {
                shown.Append('…');
                i = text.Length - End;
            }
            else
            {
                shown.AppendPlain(letter);
            }
        }
        return shown.ToString();
    }
}
