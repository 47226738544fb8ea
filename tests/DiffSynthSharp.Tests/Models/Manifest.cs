using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Models;

/// <summary>The tensor list of a published checkpoint, without its data.</summary>
internal sealed class Manifest(Dictionary<string, TensorEntry> rows) : ITensorSource
{
    public string Path => "manifest";

    public IReadOnlyDictionary<string, TensorEntry> Entries => rows;

    /// <summary>The rows of a fixture by name.</summary>
    public static Dictionary<string, TensorEntry> Read(string manifest) => File.ReadLines(Repository.Fixture($"manifests/{manifest}.tsv"))
        .Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('\t'))
        .ToDictionary(cells => cells[0], cells => new TensorEntry(cells[0], StoredTypes.Find(cells[2])!.Value, cells[1] == "scalar" ? [] : [.. cells[1].Split('x').Select(long.Parse)]));

    Tensor ITensorSource.Read(string name) => throw new InvalidOperationException("A manifest has no data.");

    public StoredRows Store(string name, float[]? scale = null) => throw new InvalidOperationException("A manifest has no data.");
}
