using System.Text.Json;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>One folder of recorded inputs and outputs, with its parsed golden.json.</summary>
public sealed class GoldenFolder
{
    private GoldenFolder(string root, string path)
    {
        (Root, Path) = (root, path);
        Name = System.IO.Path.GetFileName(path);
        using var document = JsonDocument.Parse(File.ReadAllBytes(System.IO.Path.Combine(path, "golden.json")));
        Json = document.RootElement.Clone();
    }

    /// <summary>The folder that holds this one and its sisters.</summary>
    public string Root { get; }

    public string Path { get; }

    public string Name { get; }

    public JsonElement Json { get; }

    public string Kind => Json.GetProperty("kind").GetString()!;

    public string Salt => Json.GetProperty("salt").GetString()!;

    public JsonElement Config => Json.GetProperty("config");

    /// <summary>A file named by the golden: relative to the folder when it starts with "./", else to the goldens' root.</summary>
    public string Resolve(string name) => name.StartsWith("./", StringComparison.Ordinal)
        ? System.IO.Path.Combine(Path, name[2..])
        : System.IO.Path.Combine(Root, name);

    public IEnumerable<GoldenCase> Cases() => Json.GetProperty("cases").EnumerateArray().Select((json, i) => new GoldenCase(this, i, json));

    /// <summary>The path of a layout's weights table.</summary>
    public string Table(string layout) => System.IO.Path.Combine(Path, Json.GetProperty("weights").GetProperty(layout).GetString()!);

    /// <summary>Writes the synthetic checkpoint of a layout as a safetensors file.</summary>
    /// <returns>The path of a temporary file that is deleted with the result.</returns>
    public TemporaryFile WriteWeights(string layout)
    {
        var file = new TemporaryFile(".safetensors");
        SyntheticWeights.Write(file.Path, Salt, [Table(layout)]);
        return file;
    }

    /// <summary>
    /// Every golden folder: those of the repository, those beside the checkout, those named by DIFFSYNTH_GOLDENS. A folder of the
    /// repository gives way to the complete one of the same name beside the checkout.
    /// </summary>
    public static IReadOnlyList<GoldenFolder> All() => s_all.Value;

    private static readonly Lazy<IReadOnlyList<GoldenFolder>> s_all = new(() =>
    {
        var beside = System.IO.Path.GetFullPath(System.IO.Path.Combine(Repository.Root, "..", "shared", "goldens"));
        var named = Environment.GetEnvironmentVariable("DIFFSYNTH_GOLDENS");
        string[] roots = [System.IO.Path.Combine(Repository.Root, "tests", "Fixtures", "goldens"), beside, .. string.IsNullOrEmpty(named) ? [] : new[] { System.IO.Path.GetFullPath(named) }];
        var folders = new Dictionary<string, GoldenFolder>(StringComparer.Ordinal);
        foreach (var root in roots.Distinct().Where(Directory.Exists))
            foreach (var path in FoldersOf(root))
            {
                var folder = new GoldenFolder(root, path);
                folders[root == roots[0] || root == beside ? folder.Name : path] = folder;
            }
        return [.. folders.Values.OrderBy(folder => folder.Path, StringComparer.Ordinal)];
    });

    private static IEnumerable<string> FoldersOf(string root)
        => File.Exists(System.IO.Path.Combine(root, "golden.json")) ? [root]
            : Directory.EnumerateDirectories(root).Where(path => File.Exists(System.IO.Path.Combine(path, "golden.json"))).Order(StringComparer.Ordinal);
}
