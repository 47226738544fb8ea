using System.Text.Json;
using DiffSynthSharp.Benchmarking;
using DiffSynthSharp.Cli.Output;
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
        string[] names =
        [
            "step_seconds", "decode_seconds", "step_gflops", "peak_gflops", "peak_rss_bytes", "load_seconds",
            "step_processor_seconds", "step_processor_gflops", "decode_processor_seconds", "decode_processor_gflops", "peak_processor_gflops",
        ];
        Assert.All(names, name => Assert.True(result.GetProperty(name).GetDouble() > 0));
    }

    [Fact]
    public async Task Lines_say_how_much_of_the_peak_was_reached()
    {
        var run = await Run.Of("bench", "--model", TinyModel.Folder, "--size", "64x64", "--steps", "1");
        Assert.Equal(["model", "load", "step", "decode", "peak", "memory", "foretold"], run.Lines.Select(line => line.Split(' ')[0]));
        Assert.Contains("% of peak", run.Lines[2]);
    }

    [Theory]
    [InlineData(180, 184, "90 % of peak")]
    [InlineData(70, 124, "62 % of peak by processor time, 35 % by the clock: the machine was busy, or threads waited")]
    [InlineData(140, 100, "50 % of peak by processor time, 70 % by the clock")]
    [InlineData(70, 0, "35 % of peak")]
    public void Shares_of_the_peak_are_told_by_processor_time_where_the_clock_says_something_else(double gflops, double processorGflops, string expected)
    {
        var result = new BenchmarkResult("model", 64, 64, 2, 1, 1, 1, gflops, 1, 1, 200, 0, 0, 0, 0, 0, 0) { PeakProcessorGflops = 200 };
        Assert.Equal(expected, BenchReport.Shares(result, gflops, processorGflops));
    }

    [Fact]
    public void A_machine_that_was_busy_has_two_peaks()
    {
        string Peak(double byProcessor)
        {
            var output = new StringWriter();
            BenchReport.Write(new(output, TextWriter.Null, IsLive: false), new("model", 64, 64, 2, 1, 1, 1, 1, 1, 1, 120, 0, 0, 0, 0, 0, 0) { PeakProcessorGflops = byProcessor }, json: false);
            return output.ToString().Split(Environment.NewLine).Single(line => line.StartsWith("peak", StringComparison.Ordinal));
        }
        Assert.Equal("peak      195.2 GFLOP/s by processor time, 120.0 by the clock (measured multiply-adds)", Peak(195.2));
        Assert.Equal("peak      120.0 GFLOP/s (measured multiply-adds)", Peak(121));
    }

    [Theory]
    [InlineData("--write needs an architecture", "--write", "never.safetensors")]
    [InlineData("There is no architecture 'sd99'", "--random", "sd99", "--write", "never.safetensors")]
    [InlineData("There is no element type 'q4'", "--random", "clip-l", "--write", "never.safetensors", "--type", "q4")]
    [InlineData("there is no folder", "--random", "clip-l", "--write", "never/there.safetensors")]
    [InlineData("name the file with --write", "--type", "f16")]
    [InlineData("Known: sd15; first written to a file: sd15, flux-dev", "--random", "flux-dev")]
    public async Task A_file_that_can_not_be_made_is_refused_in_one_line(string expected, params string[] options)
    {
        var run = await Run.Of(["bench", .. options]);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains(expected, run.ErrorLines[^1]);
        Assert.False(File.Exists("never.safetensors"));
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
