using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Tests.Models;

/// <summary>The tensor lists of published checkpoints.</summary>
internal static class Manifests
{
    /// <summary>Reads one.</summary>
    /// <param name="manifest">Its name.</param>
    /// <returns>Its tensors by name.</returns>
    public static Dictionary<string, TensorEntry> Read(string manifest) => File.ReadLines(Repository.Fixture($"manifests/{manifest}.tsv"))
        .Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('\t'))
        .ToDictionary(cells => cells[0], cells => new TensorEntry(cells[0], StoredTypes.Find(cells[2])!.Value, cells[1] == "scalar" ? [] : [.. cells[1].Split('x').Select(long.Parse)]));
}
