using System.Text;

namespace DiffSynthSharp.Prompts;

/// <summary>A prompt with its <c>[from:to:when]</c> and <c>[one|other]</c> found.</summary>
internal abstract record EditedPrompt
{
    /// <summary>Appends what stands at a step.</summary>
    /// <param name="target">Takes the text.</param>
    /// <param name="step">From 1.</param>
    public abstract void Write(StringBuilder target, int step);

    /// <summary>Text that never changes.</summary>
    public sealed record Literal(string Text) : EditedPrompt
    {
        public override void Write(StringBuilder target, int step) => target.Append(Text);
    }

    /// <summary>One text up to a step, another behind it.</summary>
    /// <param name="Before">May be empty.</param>
    /// <param name="After">May be empty.</param>
    /// <param name="Until">The last step of the first.</param>
    public sealed record Swap(IReadOnlyList<EditedPrompt> Before, IReadOnlyList<EditedPrompt> After, int Until) : EditedPrompt
    {
        public override void Write(StringBuilder target, int step) => WriteAll(step <= Until ? Before : After, target, step);
    }

    /// <summary>Texts that take turns, one a step.</summary>
    public sealed record Alternation(IReadOnlyList<IReadOnlyList<EditedPrompt>> Choices) : EditedPrompt
    {
        public override void Write(StringBuilder target, int step) => WriteAll(Choices[(step - 1) % Choices.Count], target, step);
    }

    /// <summary>Appends what several pieces are at a step.</summary>
    public static void WriteAll(IReadOnlyList<EditedPrompt> pieces, StringBuilder target, int step)
    {
        foreach (var piece in pieces) piece.Write(target, step);
    }
}
