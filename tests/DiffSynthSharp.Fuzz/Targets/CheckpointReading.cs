using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>Reads a checkpoint with all its tensors.</summary>
internal static class CheckpointReading
{
    // A few bytes may stand for a tensor that repeats them.
    private const long RepeatedBytes = 8 << 20;

    public static void ReadAll(byte[] input)
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(input, "damaged");
        foreach (var entry in file.Entries.Values)
        {
            if (entry.Bytes < 0 || entry.Bytes > Math.Max(input.Length, RepeatedBytes))
                throw new InvalidOperationException($"A file of {input.Length} bytes has a tensor of {entry.Bytes}.");
            file.Read(entry.Name);
        }
    }
}
