using System.Text.RegularExpressions;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Sampling.Samplers;
using DiffSynthSharp.Sampling.Schedules;
using DiffSynthSharp.Tests.Generation;

namespace DiffSynthSharp.Tests.Structure;

/// <summary>The README's program is compiled and run here, word for word.</summary>
[Collection(nameof(LeakTests))]
public sealed partial class ReadmeTests
{
    private const string Source = "tests/DiffSynthSharp.Tests/Structure/ReadmeTests.cs";

    [Fact]
    public async Task The_readmes_program_makes_a_picture()
    {
        using var folder = new TemporaryFolder();
        var before = Directory.GetCurrentDirectory();
        Directory.CreateSymbolicLink(folder["models"], Path.Combine(Repository.Root, "models"));
        Directory.SetCurrentDirectory(folder.Path);
        try
        {
            await Program();
            Assert.Equal((128, 128), (Picture.Load("car.png").Width, Picture.Load("car.png").Height));
        }
        finally
        {
            Directory.SetCurrentDirectory(before);
        }
    }

    [Fact]
    public void The_readme_shows_the_program_that_runs()
    {
        var shown = ReadmeProgram().Match(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))).Groups[1].Value;
        var runs = RunProgram().Match(File.ReadAllText(Path.Combine(Repository.Root, Source))).Groups[1].Value;
        Assert.NotEmpty(Lines(runs));
        Assert.Equal(Lines(runs), Lines(shown).Where(line => line != "using DiffSynthSharp;"));
    }

    [Fact]
    public void The_readme_lists_every_sampler_and_schedule()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "README.md"));
        IEnumerable<string> Listed(string what) => lines.Single(line => line.StartsWith($"| {what} |", StringComparison.Ordinal)).Split('|')[2].Split(',').Select(name => name.Trim());
        Assert.Equal(SamplerNames.All.Select(known => known.Name).Order(StringComparer.Ordinal), Listed("samplers").Order(StringComparer.Ordinal));
        Assert.Equal(ScheduleNames.All.Select(known => known.Name).Order(StringComparer.Ordinal), Listed("schedules").Order(StringComparer.Ordinal));
    }

    private static async Task Program()
    {
        // the README's program begins
        using var model = await DiffusionModel.LoadAsync("models/starter");
        var picture = await model.GenerateAsync("a red car by the sea");
        picture.Save("car.png");
        // the README's program ends
    }

    private static List<string> Lines(string text) => [.. text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)];

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ReadmeProgram();

    [GeneratedRegex(@"// the README's program begins\n(.*?)// the README's program ends", RegexOptions.Singleline)]
    private static partial Regex RunProgram();
}
