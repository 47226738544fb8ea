using DiffSynthSharp.Families;

namespace DiffSynthSharp.Generation;

/// <summary>The prompts of one pass, encoded.</summary>
/// <param name="Positive">The prompt.</param>
/// <param name="Negative">The negative prompt; null where it is not needed.</param>
/// <param name="Regions">The regions' prompts, in their order.</param>
internal sealed record PromptInputs(PromptContexts Positive, PromptContexts? Negative, IReadOnlyList<PromptContexts> Regions);
