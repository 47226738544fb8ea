using System.Globalization;

namespace DiffSynthSharp.Prompts;

/// <summary>A <c>&lt;kind:name:…&gt;</c> of a prompt, such as <c>&lt;lora:style:0.8&gt;</c>.</summary>
/// <param name="Kind">The word before the first colon.</param>
/// <param name="Positional">What has no name, in order; the first is the network's name.</param>
/// <param name="Named">What has one, as in <c>unet=0.5</c>.</param>
internal sealed record NetworkTag(string Kind, IReadOnlyList<string> Positional, IReadOnlyDictionary<string, string> Named)
{
    /// <summary>The network's name.</summary>
    public string Name => Positional.Count > 0 ? Positional[0] : "";

    /// <summary>Name and strengths of a <c>lora</c> tag, 1 unless it says otherwise.</summary>
    /// <exception cref="DiffSynthException">A strength is no number.</exception>
    public (double TextEncoder, double UNet) Strengths()
    {
        var text = Number("te", 1) ?? 1;
        return (text, Number("unet", 2) ?? text);
    }

    private double? Number(string name, int position)
    {
        var said = Named.GetValueOrDefault(name) ?? Positional.ElementAtOrDefault(position);
        // A position that a name overrules must be a number too.
        foreach (var text in new[] { Positional.ElementAtOrDefault(position), said }.OfType<string>())
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value))
                throw new DiffSynthException($"The strength '{text}' of <{Kind}:{Name}> in the prompt is no number. Write it like <{Kind}:{Name}:0.8>.");
        return said is null ? null : double.Parse(said, NumberStyles.Float, CultureInfo.InvariantCulture);
    }
}

/// <summary>Takes <c>&lt;lora:name:0.8&gt;</c> and its like out of a prompt.</summary>
/// <remarks>AUTOMATIC1111/stable-diffusion-webui 1.10, modules/extra_networks.py (<c>parse_prompt</c>) and extensions-builtin/Lora.</remarks>
internal static class NetworkTags
{
    /// <summary>The prompt without its tags (nothing else is trimmed), and the tags in order.</summary>
    /// <exception cref="DiffSynthException">The prompt is longer than is read.</exception>
    public static (string Prompt, IReadOnlyList<NetworkTag> Tags) Extract(string prompt)
    {
        PromptCharacters.CheckLength(prompt);
        var tags = new List<NetworkTag>();
        var kept = new System.Text.StringBuilder();
        var start = 0;
        for (var at = prompt.IndexOf('<'); at >= 0; at = prompt.IndexOf('<', at + 1))
        {
            var colon = at + 1;
            while (PromptCharacters.IsWordAt(prompt, colon)) colon += char.IsSurrogatePair(prompt, colon) ? 2 : 1;
            if (colon == at + 1 || colon >= prompt.Length || prompt[colon] != ':') continue;
            var end = prompt.IndexOf('>', colon);
            if (end < 0) break;
            if (end == colon + 1) continue;
            kept.Append(prompt, start, at - start);
            tags.Add(Tag(prompt[(at + 1)..colon], prompt[(colon + 1)..end]));
            start = end + 1;
            at = end;
        }
        return (kept.Append(prompt, start, prompt.Length - start).ToString(), tags);
    }

    private static NetworkTag Tag(string kind, string arguments)
    {
        var positional = new List<string>();
        var named = new Dictionary<string, string>();
        foreach (var argument in arguments.Split(':'))
            if (argument.Split('=') is [var name, var value]) named[name] = value;
            else positional.Add(argument);
        return new(kind, positional, named);
    }
}
