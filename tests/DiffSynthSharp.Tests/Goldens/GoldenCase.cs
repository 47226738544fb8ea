using System.Text.Json;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>One case of a golden folder.</summary>
public sealed class GoldenCase(GoldenFolder folder, int index, JsonElement json)
{
    public GoldenFolder Folder { get; } = folder;

    public int Index { get; } = index;

    public JsonElement Json { get; } = json;

    /// <summary>The case's own name, else its file's.</summary>
    public string Name => Json.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString()!
        : Json.TryGetProperty("file", out var file) ? Path.GetFileNameWithoutExtension(file.GetString()!) : $"case-{Index}";

    public string FilePath => Path.Combine(Folder.Path, Json.GetProperty("file").GetString()!);

    public double Tolerance => Json.GetProperty("tolerance").GetDouble();

    public string? Text(string property) => Json.TryGetProperty(property, out var value) ? value.GetString() : null;

    /// <summary>The tensors of the case's file.</summary>
    public GoldenTensors Tensors() => new(FilePath);

    /// <summary>Writes the synthetic checkpoint of a layout as a safetensors file.</summary>
    /// <returns>The path of a temporary file that is deleted with the result.</returns>
    public TemporaryFile WriteWeights(string layout) => Folder.WriteWeights(layout);

    public override string ToString() => $"{Folder.Name}/{Name}";
}
