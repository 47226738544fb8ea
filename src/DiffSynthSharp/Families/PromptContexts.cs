using DiffSynthSharp.Prompts;

namespace DiffSynthSharp.Families;

/// <summary>A prompt's encoded texts over the steps of a pass.</summary>
/// <param name="parts">The prompts between ANDs.</param>
/// <param name="encoded">Each of their texts.</param>
internal sealed class PromptContexts(IReadOnlyList<PromptPart> parts, IReadOnlyDictionary<string, Conditioning> encoded)
{
    /// <summary>One conditioning for all steps.</summary>
    public static PromptContexts Of(Conditioning conditioning)
        => new([new PromptPart(1, [(1, "")])], new Dictionary<string, Conditioning> { [""] = conditioning });

    /// <summary>Whether there is anything but one prompt of weight 1, so that the negative prompt is needed whatever the guidance scale.</summary>
    public bool IsComposed => parts is not [{ Weight: 1 }];

    /// <summary>What the network is shown at a step, each with its weight.</summary>
    /// <param name="step">From 0.</param>
    public IReadOnlyList<(Conditioning Text, double Weight)> At(int step) => [.. parts.Select(part => (encoded[part.At(step)], part.Weight))];
}
