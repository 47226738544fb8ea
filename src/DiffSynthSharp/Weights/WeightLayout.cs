namespace DiffSynthSharp.Weights;

/// <summary>What a reader found in a file: its tensors and its notes, everything validated, nothing read yet.</summary>
/// <param name="Entries">Tensors by name; every one lies inside the file.</param>
/// <param name="Metadata">The file's own notes; empty when it has none.</param>
internal sealed record WeightLayout(IReadOnlyDictionary<string, TensorEntry> Entries, IReadOnlyDictionary<string, string> Metadata);
