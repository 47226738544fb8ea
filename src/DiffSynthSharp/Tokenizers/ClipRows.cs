namespace DiffSynthSharp.Tokenizers;

/// <summary>How a prompt becomes rows of one length for CLIP's text encoder.</summary>
/// <param name="Rows">Rows of ids, each of the length asked for.</param>
/// <param name="CutTokens">How many of the prompt's tokens found no place.</param>
public sealed record ClipRows(IReadOnlyList<int[]> Rows, int CutTokens);
