using DiffSynthSharp.Prompts;

namespace DiffSynthSharp.Families;

/// <summary>How a request wants its prompts read and encoded.</summary>
internal sealed record PromptReading
{
    private const double LargestWeight = 1e6;

    /// <summary>What brackets mean.</summary>
    public PromptSyntax Syntax { get; init; } = PromptSyntax.Plain;

    /// <summary>1 = the text encoder's last layer.</summary>
    public int ClipSkip { get; init; } = 1;

    /// <summary>What becomes of a prompt that doesn't fit one row of tokens.</summary>
    public LongPrompt LongPrompt { get; init; }

    /// <summary>Tokens of a T5 text encoder; null for the family's own.</summary>
    public int? TextLength { get; init; }

    /// <summary>What T5 reads in place of the prompt; null for the prompt.</summary>
    public string? SecondText { get; init; }

    /// <summary>What weights do to the mean of the encoded text.</summary>
    public EmphasisMean Mean { get; init; }

    /// <summary>Learned words; the caller's.</summary>
    public EmbeddingTable Embeddings { get; init; } = EmbeddingTable.Empty;

    /// <summary>What lines for the user call the prompt.</summary>
    public string Name { get; init; } = "prompt";

    /// <summary>A text's pieces and their weights.</summary>
    /// <param name="text">What stands at one step, without AND and editing.</param>
    /// <exception cref="DiffSynthException">A weight is too large, or the text too long or nested too deep.</exception>
    public IReadOnlyList<WeightedText> Pieces(string text)
    {
        var pieces = Syntax == PromptSyntax.Plain ? [new WeightedText(text, 1)] : AttentionParser.Parse(text);
        return pieces.FirstOrDefault(piece => !piece.IsBreak && !(Math.Abs(piece.Weight) <= LargestWeight)) is { Text: not null } heavy
            ? throw new DiffSynthException($"A weight of {heavy.Weight:g3} in the {Name} is too large: expected at most {LargestWeight:N0}.")
            : pieces;
    }
}
