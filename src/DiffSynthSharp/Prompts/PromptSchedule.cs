namespace DiffSynthSharp.Prompts;

/// <summary>One of the prompts between ANDs, over the steps.</summary>
/// <param name="Weight">How much its difference from the negative prompt counts.</param>
/// <param name="Texts">Its text up to each of its changes, with the last step (from 1) that has it.</param>
internal sealed record PromptPart(double Weight, IReadOnlyList<(int Until, string Text)> Texts)
{
    /// <summary>The text at a step.</summary>
    /// <param name="step">From 0.</param>
    public string At(int step)
    {
        foreach (var (until, text) in Texts)
            if (step < until) return text;
        return Texts[^1].Text;
    }
}

/// <summary>A prompt laid out over the steps of a pass.</summary>
internal static class PromptSchedule
{
    /// <summary>The prompts that a prompt is made of, each with its text over the steps.</summary>
    /// <param name="prompt">What the user wrote.</param>
    /// <param name="syntax">Plain: every character is text.</param>
    /// <param name="timeline">The steps.</param>
    /// <param name="composes">Whether AND separates prompts; in a negative prompt it is text (A1111).</param>
    /// <exception cref="DiffSynthException">The prompt is longer or its brackets deeper than is read.</exception>
    public static IReadOnlyList<PromptPart> Of(string prompt, PromptSyntax syntax, EditTimeline timeline, bool composes = true)
    {
        PromptCharacters.CheckLength(prompt);
        if (syntax == PromptSyntax.Plain) return [new(1, [(timeline.Steps, prompt)])];
        var parts = composes ? PromptComposition.Split(prompt) : [(prompt, 1.0)];
        return [.. parts.Select(part => new PromptPart(part.Weight, PromptEditing.Schedule(part.Text, timeline)))];
    }
}
