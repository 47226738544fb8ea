namespace DiffSynthSharp.Tokenizers;

/// <summary>A file that can be fetched, known to the byte.</summary>
/// <param name="Home">Its address, but for the name.</param>
/// <param name="Name">Its name there and here.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">In small hexadecimal digits.</param>
internal sealed record PinnedFile(string Home, string Name, long Bytes, string Sha256);
