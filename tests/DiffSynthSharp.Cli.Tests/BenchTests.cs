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

    [Fact]
    public async Task Many_pictures_show_what_the_process_holds()
    {
        var run = await Run.Of("bench", "--model", TinyModel.Folder, "--size", "64x64", "--steps", "1", "--pictures", "6");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["model", "between", "after", "after", "cancel", "block"], run.Lines.Select(line => line.Split(' ')[0]));
        var json = await Run.Of("bench", "--model", TinyModel.Folder, "--size", "64x64", "--steps", "1", "--pictures", "2", "--json");
        Assert.Equal(2, JsonDocument.Parse(Assert.Single(json.Lines)).RootElement.GetProperty("samples").GetArrayLength());
    }

    [Theory]
    [InlineData("--random has no meaning", "--pictures", "2", "--random", "sd15")]
    [InlineData("--tiled has no meaning", "--pictures", "2", "--tiled")]
    [InlineData("0 pictures don't fit", "--pictures", "0")]
    [InlineData("Stopping after -1 seconds", "--stop-after", "-1")]
    [InlineData("works with --tiled", "--tile", "16")]
    public async Task Options_that_do_not_fit_are_refused(string expected, params string[] options)
    {
        var run = await Run.Of(["bench", .. options]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error);
    }
}
