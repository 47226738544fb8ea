using System.Text.Json.Nodes;
using DiffSynthSharp.Families;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Generation;

/// <summary>A copy of a diffusers folder in which the weights of some components are merged ones.</summary>
/// <remarks>Other copies of the merged weights (half precision, PyTorch's, a single file beside the folders) would still be the unmerged model and stay behind.</remarks>
internal sealed class MergedFolder(ModelFiles files, MergedWeights weights, string output)
{
    private static readonly string[] s_weights = [".safetensors", ".bin", ".ckpt", ".pt", ".pth", ".msgpack", ".h5", ".onnx", ".onnx_data", ".pb", ".gguf"];
    private readonly List<string> _leftOut = [];

    /// <summary>Makes sure that a folder can be made there.</summary>
    /// <param name="model">The folder to copy.</param>
    /// <param name="output">The folder to make.</param>
    /// <exception cref="DiffSynthException">It exists and isn't empty, or lies inside the model.</exception>
    public static void Check(string model, string output)
    {
        var (from, to) = (Full(model), Full(output));
        if (File.Exists(output) || Directory.Exists(output) && Directory.EnumerateFileSystemEntries(output).Any())
            throw new DiffSynthException($"'{output}' can't be written: it exists. The model is a folder, so name a new or empty folder.");
        if ($"{to}{Path.DirectorySeparatorChar}".StartsWith($"{from}{Path.DirectorySeparatorChar}", StringComparison.Ordinal)) throw new DiffSynthException($"'{output}' can't be written: it lies inside the model '{model}'.");
        if (Path.GetDirectoryName(to) is { } parent && !Directory.Exists(parent)) throw new DiffSynthException($"'{output}' cannot be written: there is no folder '{parent}'.");
    }

    /// <summary>Writes the folder; it appears whole or not at all.</summary>
    /// <returns>Files that stayed behind, relative to the model.</returns>
    /// <exception cref="DiffSynthException">A file can't be written.</exception>
    public IReadOnlyList<string> Write()
    {
        var temporary = $"{Full(output)}.{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        var merged = files.Sources.Where(weights.Touches).ToDictionary(source => Full(Path.GetDirectoryName(source.Path)!));
        try
        {
            Copy(Full(files.Path), temporary, merged, isRoot: true);
            weights.WriteAll([.. merged.SelectMany(component => Files(component.Value, Path.Combine(temporary, Path.GetRelativePath(Full(files.Path), component.Key))))]);
            foreach (var (folder, component) in merged) CopyIndex(component, Path.Combine(temporary, Path.GetRelativePath(Full(files.Path), folder)));
            if (Directory.Exists(output)) Directory.Delete(output);
            Directory.Move(temporary, Full(output));
            return _leftOut;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DiffSynthException($"'{output}' cannot be written: {e.Message}", e);
        }
        finally
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
        }
    }

    private static string Full(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    private static bool HoldsWeights(string name) => s_weights.Contains(Path.GetExtension(name).ToLowerInvariant()) || name.EndsWith(".json", StringComparison.Ordinal) && name.Contains(".index.", StringComparison.Ordinal);

    private void Copy(string from, string to, Dictionary<string, WeightSource> merged, bool isRoot)
    {
        Directory.CreateDirectory(to);
        var opened = merged.TryGetValue(from, out var component) ? component.Files.Select(file => Path.GetFileName(file.Path)).Append(Path.GetFileName(component.Path)).ToHashSet() : [];
        foreach (var file in Directory.EnumerateFiles(from))
        {
            var name = Path.GetFileName(file);
            if (!(isRoot || component is not null) || !HoldsWeights(name)) File.Copy(file, Path.Combine(to, name));
            else if (!opened.Contains(name)) _leftOut.Add(Path.GetRelativePath(Full(files.Path), file));
        }
        // Folders that begin with a dot are version control's and download caches'.
        foreach (var folder in Directory.EnumerateDirectories(from).Where(folder => !Path.GetFileName(folder).StartsWith('.')))
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)), merged, isRoot: false);
    }

    // Safetensors files keep their names, and so does what is spread over several; anything else becomes one safetensors file.
    private static IEnumerable<MergedFile> Files(WeightSource component, string folder)
    {
        if (IsSafetensors(component)) return component.Files.Select(file => new MergedFile(Path.Combine(folder, Path.GetFileName(file.Path)), file, component, file.Metadata));
        var segments = Path.GetFileName(component.Path).Split('.');
        var stem = segments[0] == "pytorch_model" ? "model" : segments[0];
        return [new(Path.Combine(folder, $"{stem}{(segments.Contains("fp16") ? ".fp16" : "")}.safetensors"), component, component, component.Metadata)];
    }

    private static bool IsSafetensors(WeightSource component) => component.Files.All(file => file.Path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase));

    private static void CopyIndex(WeightSource component, string folder)
    {
        if (!IsSafetensors(component) || !component.Path.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return;
        var index = JsonNode.Parse(File.ReadAllBytes(component.Path))!;
        if (index["metadata"] is JsonObject notes && notes.ContainsKey("total_size"))
            notes["total_size"] = component.Files.Sum(file => WrittenBytes(Path.Combine(folder, Path.GetFileName(file.Path))));
        File.WriteAllText(Path.Combine(folder, Path.GetFileName(component.Path)), index.ToJsonString());
    }

    private static long WrittenBytes(string path)
    {
        using var file = WeightFile.Open(path);
        return file.Entries.Values.Sum(entry => entry.Bytes);
    }
}
