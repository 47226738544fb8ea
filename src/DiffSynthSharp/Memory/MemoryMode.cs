namespace DiffSynthSharp;

/// <summary>How much memory a model's weights may take for speed.</summary>
public enum MemoryMode
{
    /// <summary>A stated number of bytes: what goes beyond it is read from the file at every use.</summary>
    Low,

    /// <summary>As much as the files: weights stay as stored and are converted at every use.</summary>
    Balanced,

    /// <summary>Everything is converted once.</summary>
    Full,
}
