using System.Reflection;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Checks the cases of one kind of golden.</summary>
public interface IGoldenRunner
{
    /// <summary>The <c>kind</c> of golden.json that this runner checks.</summary>
    string Kind { get; }

    /// <summary>Checks one case; throws where ours differs from what was recorded.</summary>
    void Run(GoldenCase @case);
}

/// <summary>
/// Every recorded case is a test of its own name. DIFFSYNTH_GOLDENS=FOLDER adds folders that this repository has never seen.
/// </summary>
[Trait("Category", "Golden")]
public sealed class GoldenTests
{
    private static readonly IReadOnlyDictionary<string, IGoldenRunner> s_runners = Assembly.GetExecutingAssembly().GetTypes()
        .Where(type => type is { IsClass: true, IsAbstract: false } && type.IsAssignableTo(typeof(IGoldenRunner)))
        .Select(type => (IGoldenRunner)Activator.CreateInstance(type)!)
        .ToDictionary(runner => runner.Kind);

    public static IEnumerable<TheoryDataRow<string, int>> Recorded()
    {
        foreach (var folder in GoldenFolder.All())
            if (s_runners.ContainsKey(folder.Kind))
                foreach (var @case in folder.Cases())
                    yield return new TheoryDataRow<string, int>(folder.Path, @case.Index) { TestDisplayName = @case.ToString() };
    }

    public static IEnumerable<TheoryDataRow<string>> WithoutRunner()
        => GoldenFolder.All().Where(folder => !s_runners.ContainsKey(folder.Kind)).GroupBy(folder => folder.Kind)
            .Select(kind => new TheoryDataRow<string>(kind.Key)
            {
                TestDisplayName = $"goldens of kind {kind.Key}",
                Skip = $"No runner yet for kind '{kind.Key}' ({string.Join(", ", kind.Select(folder => folder.Name))}).",
            })
            .DefaultIfEmpty(new TheoryDataRow<string>("none") { TestDisplayName = "every kind has a runner" });

    [Theory]
    [MemberData(nameof(Recorded), DisableDiscoveryEnumeration = false)]
    public void Ours_equals_what_was_recorded(string folder, int index)
    {
        var found = GoldenFolder.All().Single(candidate => candidate.Path == folder);
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var inference = TorchSharp.torch.no_grad();
        s_runners[found.Kind].Run(found.Cases().ElementAt(index));
    }

    [Theory]
    [MemberData(nameof(WithoutRunner))]
    public void A_kind_without_a_runner_says_so(string kind) => Assert.Equal("none", kind);
}
