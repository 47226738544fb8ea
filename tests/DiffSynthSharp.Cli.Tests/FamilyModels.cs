using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Cli.Tests;

/// <summary>A small model of each family in a file of its own, and files of their parts.</summary>
public sealed class FamilyModels : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FamilyModels()
    {
        foreach (var family in (string[])["flux", "sd3", "sd15"]) RandomModels.Write(family, this[family], ScalarType.Float16);
    }

    /// <summary>A model: "flux", "sd3" or "sd15".</summary>
    public string this[string family] => _folder[$"{family}.safetensors"];

    /// <summary>Writes a part of a model as its publisher does: alone, without a prefix.</summary>
    /// <param name="path">The file.</param>
    /// <param name="family">The model.</param>
    /// <param name="prefix">Before the part's tensors.</param>
    /// <param name="keep">Which of the tensors, by their names behind the prefix; null for all.</param>
    public void WritePart(string path, string family, string prefix, Func<string, bool>? keep = null)
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(this[family]);
        SafetensorsWriter.Write(path, [.. file.Entries.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && keep?.Invoke(name[prefix.Length..]) != false).Select(name => (name[prefix.Length..], file.Read(name)))]);
    }

    public void Dispose() => _folder.Dispose();
}
