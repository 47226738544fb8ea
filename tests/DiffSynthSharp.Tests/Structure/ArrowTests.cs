using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace DiffSynthSharp.Tests.Structure;

/// <summary>Who may know whom: the arrows of docs/architecture.md.</summary>
public sealed partial class ArrowTests
{
    private static readonly Dictionary<string, string[]> s_mayKnow = new()
    {
        ["Runtime"] = [],
        ["Kernels"] = ["Runtime"],
        ["Layers"] = ["Kernels", "Runtime"],
        ["Weights"] = ["Layers", "Runtime"],
        ["Models"] = ["Layers", "Weights", "Runtime"],
        ["Sampling"] = ["Runtime"],
        ["Tokenizers"] = ["Runtime"],
        ["Imaging"] = ["Runtime"],
        ["Prompts"] = ["Weights", "Tokenizers", "Runtime"],
        ["Memory"] = ["Layers", "Weights", "Runtime"],
        ["Adapters"] = ["Layers", "Weights", "Models", "Sampling", "Memory", "Imaging", "Runtime"],
        ["Families"] = ["Layers", "Weights", "Models", "Adapters", "Sampling", "Tokenizers", "Prompts", "Memory", "Imaging", "Runtime"],
        ["Generation"] = ["Layers", "Weights", "Models", "Adapters", "Sampling", "Tokenizers", "Prompts", "Memory", "Families", "Imaging", "Runtime"],
        ["Records"] = ["Layers", "Weights", "Sampling", "Tokenizers", "Prompts", "Memory", "Families", "Imaging", "Runtime", "Generation"],
        ["ImageGenerators"] = ["Imaging"],
        ["Benchmarking"] = ["Layers", "Weights", "Models", "Memory", "Families", "Imaging", "Generation", "Runtime"],
    };

    private static readonly Dictionary<string, string[]> s_projectsMayKnow = new()
    {
        ["DiffSynthSharp"] = [],
        ["DiffSynthSharp.Training"] = ["DiffSynthSharp"],
        ["DiffSynthSharp.Cli"] = ["DiffSynthSharp", "DiffSynthSharp.Training"],
    };

    public static TheoryData<string> Folders() => [.. Directory.GetDirectories(Library).Select(folder => Path.GetFileName(folder)!).Where(name => name is not ("bin" or "obj"))];

    public static TheoryData<string> Projects() => [.. Directory.GetDirectories(Path.Combine(Repository.Root, "src")).Select(folder => Path.GetFileName(folder)!)];

    private static string Library => Path.Combine(Repository.Root, "src", "DiffSynthSharp");

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_folder_of_the_library_knows_only_what_it_may(string folder)
    {
        Assert.True(s_mayKnow.ContainsKey(folder), $"'{folder}' is new: say in ArrowTests and docs/architecture.md what it may know.");
        var known = SourcesOf(folder).SelectMany(file => NamespaceUse().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value))
            .Where(name => s_mayKnow.ContainsKey(name)).Distinct().Where(name => name != folder).Order();
        Assert.Empty(known.Except(s_mayKnow[folder]));
    }

    [Fact]
    public void No_family_knows_another()
    {
        var families = Directory.GetDirectories(Path.Combine(Library, "Families")).Select(folder => Path.GetFileName(folder)!).ToList();
        Assert.NotEmpty(families);
        foreach (var family in families)
            foreach (var file in SourcesOf(Path.Combine("Families", family)))
                Assert.DoesNotContain(families, other => other != family && File.ReadAllText(file).Contains($"DiffSynthSharp.Families.{other}", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_those_below_it(string project)
    {
        Assert.True(s_projectsMayKnow.ContainsKey(project), $"'{project}' is new: say in ArrowTests and docs/architecture.md what it may know.");
        var file = XDocument.Load(Path.Combine(Repository.Root, "src", project, $"{project}.csproj"));
        var known = file.Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension(((string)reference.Attribute("Include")!).Replace('\\', '/')));
        Assert.Empty(known.Except(s_projectsMayKnow[project]));
    }

    private static IEnumerable<string> SourcesOf(string folder) => Directory.EnumerateFiles(Path.Combine(Library, folder), "*.cs", SearchOption.AllDirectories);

    [GeneratedRegex(@"DiffSynthSharp\.(\w+)\b")]
    private static partial Regex NamespaceUse();
}
