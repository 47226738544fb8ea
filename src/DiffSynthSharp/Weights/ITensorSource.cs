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

    /// <summary>Takes a tensor's file pages out of resident memory, when it was copied elsewhere.</summary>
    void DropPages(string name);
}
