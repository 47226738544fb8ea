using System.Text.Json;
using DiffSynthSharp.Tests.Generation;

namespace DiffSynthSharp.Cli.Tests;

public sealed class BenchTests
{
    [Fact]
    public async Task Json_holds_the_figures_by_name()
    {
        var run = await Run.Of("bench", "--model", TinyModel.Folder, "--size", "64x64", "--steps", "1", "--json");
        Assert.Equal(0, run.ExitCode);
        var result = JsonDocument.Parse(Assert.Single(run.Lines)).RootElement;
        string[] names = ["step_seconds", "decode_seconds", "step_gflops", "peak_gflops", "peak_rss_bytes", "load_seconds"];
        Assert.All(names, name => Assert.True(result.GetProperty(name).GetDouble() > 0));
    }

    [Fact]
    public async Task Lines_say_how_much_of_the_peak_was_reached()
    {
        var run = await Run.Of("bench", "--model", TinyModel.Folder, "--size", "64x64", "--steps", "1");
        Assert.Equal(["model", "load", "step", "decode", "peak", "memory", "foretold"], run.Lines.Select(line => line.Split(' ')[0]));
        Assert.Contains("% of peak", run.Lines[2]);
    }
}
