using System.Text.RegularExpressions;
using DiffSynthSharp.Tests;

namespace DiffSynthSharp.Cli.Tests;

/// <summary>Every command that the README and the pages show is one that the program takes.</summary>
public sealed partial class DocumentedCommandTests
{
    public static IEnumerable<TheoryDataRow<string, string>> Commands()
    {
        foreach (var page in Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md").Append(Path.Combine(Repository.Root, "README.md")))
            foreach (Match command in Command().Matches(File.ReadAllText(page).Replace("\\\n", " ", StringComparison.Ordinal)))
                yield return new(Path.GetFileName(page), command.Groups[1].Value.Trim());
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_documented_command_is_taken(string page, string command)
    {
        var words = Word().Matches(Comment().Replace(command, "")).Select(word => word.Value.Replace("\"", "", StringComparison.Ordinal)).ToList();
        var parsed = CommandLine.Parse(words, new Terminal(TextWriter.Null, TextWriter.Null, IsLive: false));
        Assert.True(parsed.Errors.Count == 0, $"{page}: diffsynth {command}: {string.Join(' ', parsed.Errors.Select(error => error.Message))}");
    }

    [Fact]
    public void The_largest_example_is_among_them() => Assert.Contains(Commands(), row => row.Data.Item2.Contains("4096x4096", StringComparison.Ordinal) && row.Data.Item2.Contains("lineart=sk_model.pth", StringComparison.Ordinal));

    [GeneratedRegex(@"^    diffsynth (.+)$", RegexOptions.Multiline)]
    private static partial Regex Command();

    [GeneratedRegex(@"\s+#\s.*$")]
    private static partial Regex Comment();

    [GeneratedRegex("(?:[^\\s\"]|\"[^\"]*\")+")]
    private static partial Regex Word();
}
