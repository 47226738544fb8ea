namespace DiffSynthSharp.Tokenizers;

/// <summary>A prompt as one row of T5's tokens.</summary>
/// <param name="Ids">The tokens, the end token and padding: as many as were asked for.</param>
/// <param name="CutTokens">How many of the prompt's tokens found no place before the end token.</param>
public sealed record T5Row(int[] Ids, int CutTokens);
