using DiffSynthSharp.Prompts;

namespace DiffSynthSharp.Families;

/// <summary>How a request wants its prompts read and encoded.</summary>
internal sealed record PromptReading
{
    /// <summary>What brackets mean.</summary>
    public PromptSyntax Syntax { get; init; } = PromptSyntax.Plain;

    /// <summary>1 = the text encoder's last layer.</summary>
    public int ClipSkip { get; init; } = 1;

    /// <summary>What becomes of a prompt that doesn't fit one row of tokens.</summary>
    public LongPrompt LongPrompt { get; init; }

    /// <summary>What weights do to the mean of the encoded text.</summary>
    public EmphasisMean Mean { get; init; }

    /// <summary>Learned words; the caller's.</summary>
    public EmbeddingTable Embeddings { get; init; } = EmbeddingTable.Empty;

    /// <summary>What lines for the user call the prompt.</summary>
    public string Name { get; init; } = "prompt";
}
