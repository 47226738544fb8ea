namespace DiffSynthSharp.Tokenizers;

/// <summary>A vocabulary that text encoders need, and where models have it.</summary>
/// <param name="Name">As users read it.</param>
/// <param name="Files">The files it is made of, in words.</param>
/// <param name="Folder">Its sub-folder of a folder of vocabularies.</param>
/// <param name="Pull">What <c>diffsynth models pull</c> calls it.</param>
/// <param name="IsIn">Whether a folder holds it.</param>
/// <param name="Places">Folders that it is looked for in, given the model's path and a folder that the user named.</param>
internal sealed record VocabularyKind(string Name, string Files, string Folder, string Pull, Func<string, bool> IsIn, Func<string, string?, IReadOnlyList<string>> Places)
{
    /// <summary>Its files at their publisher's.</summary>
    public required IReadOnlyList<PinnedFile> Published { get; init; }
}
