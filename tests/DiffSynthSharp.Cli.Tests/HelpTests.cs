using System.Text.RegularExpressions;
using DiffSynthSharp.Sampling.Samplers;
using DiffSynthSharp.Sampling.Schedules;
using DiffSynthSharp.Tests;

namespace DiffSynthSharp.Cli.Tests;

/// <summary>Help texts are approved: DIFFSYNTH_APPROVE=1 writes them anew, and the difference is reviewed.</summary>
public sealed partial class HelpTests
{
    [Theory]
    [InlineData("diffsynth")]
    [InlineData("diffsynth generate")]
    [InlineData("diffsynth annotate")]
    [InlineData("diffsynth verify")]
    [InlineData("diffsynth upscale")]
    [InlineData("diffsynth inspect")]
    [InlineData("diffsynth lora")]
    [InlineData("diffsynth lora inspect")]
    [InlineData("diffsynth lora convert")]
    [InlineData("diffsynth lora merge")]
    [InlineData("diffsynth models")]
    [InlineData("diffsynth models list")]
    [InlineData("diffsynth models where")]
    [InlineData("diffsynth models pull")]
    [InlineData("diffsynth plan")]
    [InlineData("diffsynth bench")]
    [InlineData("diffsynth train")]
    [InlineData("diffsynth train from-scratch")]
    public async Task Help_is_the_approved_text(string command)
    {
        var run = await Run.Of([.. command.Split(' ').Skip(1), "--help"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        // The lists of samplers and schedules are checked by themselves; the trainer's defaults are found by trying.
        var text = Names().Replace(string.Join('\n', run.Out.Split(Environment.NewLine).Select(line => line.TrimEnd())), "$1…\n");
        text = Defaults().Replace(text, "(default …)");
        var approved = Path.Combine(Repository.Root, "tests", "DiffSynthSharp.Cli.Tests", "Approved", $"{command.Replace(' ', '-')}.txt");
        if (Environment.GetEnvironmentVariable("DIFFSYNTH_APPROVE") == "1") File.WriteAllText(approved, text);
        Assert.Equal(File.ReadAllText(approved), text);
    }

    [Fact]
    public async Task Help_names_every_sampler_and_schedule()
    {
        var words = Words().Split((await Run.Of("generate", "--help")).Out);
        Assert.All(SamplerNames.All.Concat(ScheduleNames.All), name => Assert.Contains(name.Name, words));
    }

    [Fact]
    public async Task Nothing_at_all_shows_the_help() => Assert.Equal((await Run.Of("--help")).Out, (await Run.Of()).Out);

    [Fact]
    public async Task The_version_is_a_number() => Assert.Matches(@"^\d+\.\d+\.\d+", (await Run.Of("--version")).Out);

    [GeneratedRegex(@"(--(?:sampler|schedule) <NAME>)[^<]*?\n(?=  --)")]
    private static partial Regex Names();

    [GeneratedRegex(@"\(default\s+[\d.]+\)")]
    private static partial Regex Defaults();

    [GeneratedRegex(@"[\s,.]+")]
    private static partial Regex Words();
}
