using System.Globalization;

namespace DiffSynthSharp.Prompts;

/// <summary>Splits <c>one prompt AND another :0.5</c>.</summary>
/// <remarks>AUTOMATIC1111/stable-diffusion-webui 1.10, modules/prompt_parser.py (<c>get_multicond_prompt_list</c>); Liu et al. 2022, arXiv 2206.01714.</remarks>
internal static class PromptComposition
{
    private const string And = "AND";

    /// <summary>The prompts between the ANDs with their weights, in order; at least one.</summary>
    /// <exception cref="DiffSynthException">The prompt is longer than is read.</exception>
    public static IReadOnlyList<(string Text, double Weight)> Split(string prompt)
    {
        PromptCharacters.CheckLength(prompt);
        var parts = new List<(string, double)>();
        var start = 0;
        foreach (var at in PromptCharacters.PlacesOf(prompt, And))
        {
            parts.Add(Weighted(prompt[start..at]));
            start = at + And.Length;
        }
        parts.Add(Weighted(prompt[start..]));
        return parts;
    }

    private static (string Text, double Weight) Weighted(string part)
    {
        var colon = part.LastIndexOf(':');
        return colon >= 0 && WeightOf(PromptCharacters.TrimEnd(part[PromptCharacters.SkipBlanks(part, colon + 1)..])) is { } weight
            ? (PromptCharacters.TrimEnd(part[..colon]), weight) : (PromptCharacters.TrimEnd(part), 1);
    }

    private static double? WeightOf(string text)
        => double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var weight) ? weight : null;
}
