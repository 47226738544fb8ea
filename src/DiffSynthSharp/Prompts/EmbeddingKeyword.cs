namespace DiffSynthSharp.Prompts;

/// <summary>A word of a prompt that stands for learned vectors.</summary>
/// <param name="Word">The word, as it was loaded.</param>
/// <param name="Ids">A token id for each vector, behind the vocabulary's.</param>
internal sealed record EmbeddingKeyword(string Word, IReadOnlyList<int> Ids);
