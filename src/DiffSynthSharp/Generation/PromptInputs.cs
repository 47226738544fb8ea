using DiffSynthSharp.Families;

namespace DiffSynthSharp.Generation;

/// <summary>The prompts of a request, encoded.</summary>
/// <param name="Positive">The prompt.</param>
/// <param name="Negative">The negative prompt; null without guidance.</param>
/// <param name="Regions">The regions' prompts, in their order.</param>
internal sealed record PromptInputs(Conditioning Positive, Conditioning? Negative, IReadOnlyList<Conditioning> Regions)
{
    /// <summary>Encodes every prompt.</summary>
    /// <param name="family">Whose text encoder.</param>
    /// <param name="request">The prompts.</param>
    /// <param name="hasGuidance">Whether the negative prompt is needed.</param>
    /// <param name="encoding">Told the number of the prompt that is begun, and of all.</param>
    /// <param name="say">Takes a line for the user.</param>
    public static PromptInputs Encode(LoadedFamily family, GenerationRequest request, bool hasGuidance, Action<int, int> encoding, Action<string> say)
    {
        var (done, total) = (0, 1 + (hasGuidance ? 1 : 0) + request.Regions.Count);
        Conditioning One(string text, int clipSkip)
        {
            encoding(done++, total);
            return family.Encode(text, clipSkip, request.LongPrompt == LongPrompt.Cut, say);
        }
        var positive = One(request.Prompt, request.ClipSkip);
        var negative = hasGuidance ? One(request.Negative ?? "", request.NegativeClipSkip ?? request.ClipSkip) : null;
        return new(positive, negative, [.. request.Regions.Select(region => One(region.Prompt, request.ClipSkip))]);
    }
}
