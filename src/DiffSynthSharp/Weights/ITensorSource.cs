using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>Something that holds named tensors: a file, or several that make one checkpoint.</summary>
internal interface ITensorSource
{
    /// <summary>What the user would call it.</summary>
    string Path { get; }

    /// <summary>Tensors by name.</summary>
    IReadOnlyDictionary<string, TensorEntry> Entries { get; }

    /// <summary>Reads one tensor, as stored. The caller owns it.</summary>
    Tensor Read(string name);

    /// <summary>One tensor in the form that the file has, to be widened later. It stays readable when the source is closed; the caller owns it.</summary>
    /// <param name="name">A name from <see cref="Entries"/>.</param>
    /// <param name="scale">What every element is multiplied by: one number, or one for each index of the first axis; null for 1.</param>
    StoredRows Store(string name, float[]? scale = null);
}
