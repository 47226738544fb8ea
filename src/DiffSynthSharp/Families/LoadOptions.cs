namespace DiffSynthSharp;

/// <summary>How a model is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>A file or folder whose autoencoder replaces the model's own.</summary>
    public string? Vae { get; init; }

    /// <summary>A file or folder with the CLIP-L text encoder, for models whose file holds none, or in place of theirs.</summary>
    public string? ClipL { get; init; }

    /// <summary>A file or folder with the CLIP-G text encoder (Stable Diffusion 3).</summary>
    public string? ClipG { get; init; }

    /// <summary>A file or folder with the T5 text encoder (FLUX.1, Stable Diffusion 3).</summary>
    public string? T5 { get; init; }

    /// <summary>A folder with tokenizer files, for single-file checkpoints that have none beside them.</summary>
    public string? Tokenizers { get; init; }

    /// <summary>"cpu", "cuda" or "cuda:N".</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>How much memory weights may take for speed; null: chosen from what is free.</summary>
    public MemoryMode? Memory { get; init; }

    /// <summary>Bytes of resident memory that weights may take in mode low; null: an eighth of what is free.</summary>
    public long? MemoryBudget { get; init; }

    /// <summary>Threads of libtorch's operators, for the whole process; null leaves them as they are (all cores).</summary>
    public int? Threads { get; init; }
}
