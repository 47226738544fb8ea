using DiffSynthSharp.Imaging;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Adapters;
using DiffSynthSharp.Tests.Generation;

namespace DiffSynthSharp.Cli.Tests;

public sealed class UpscaleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public UpscaleTests()
    {
        TinyUpscaler.Write(_folder["upscaler.safetensors"], TinyUpscaler.Config);
        new Picture(20, 12, new byte[3 * 20 * 12]).Save(_folder["small.png"]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_picture_becomes_four_times_as_large_and_its_name_is_printed()
    {
        var run = await Run.Of("upscale", _folder["small.png"], "--upscaler", _folder["upscaler.safetensors"], "--tile", "16", "-o", $"{_folder.Path}/");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(_folder["small-x4.png"], Assert.Single(run.Lines));
        Assert.StartsWith("step 2/2", run.ErrorLines[^1]);
        var large = Picture.Load(_folder["small-x4.png"]);
        Assert.Equal((80, 48), (large.Width, large.Height));
    }

    [Fact]
    public async Task A_high_resolution_pass_is_enlarged_by_the_upscaler()
    {
        async Task<byte[]> Refined(params string[] upscaler)
        {
            var run = await Run.Of(["generate", "a red car", "--model", TinyModel.Folder, "--steps", "2", "--seed", "7", "--size", "64x64", "--highres", "128x128", "-o", _folder["x.png"], .. upscaler]);
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.Equal(upscaler.Length > 0, run.Error.Contains("Enlarged by upscaler.safetensors, 4 times, then resized.", StringComparison.Ordinal));
            return Picture.Load(_folder["x.png"]).Rgb.ToArray();
        }
        Assert.NotEqual(await Refined(), await Refined("--upscaler", _folder["upscaler.safetensors"]));
    }

    [Fact]
    public async Task Quiet_prints_nothing_and_a_named_file_is_written()
    {
        var run = await Run.Of("upscale", _folder["small.png"], "--upscaler", _folder["upscaler.safetensors"], "-o", _folder["large.webp"], "-q");
        Assert.Equal((0, "", ""), (run.ExitCode, run.Out, run.Error));
        Assert.Equal(80, Picture.Load(_folder["large.webp"]).Width);
    }

    [Fact]
    public async Task Wrong_files_are_one_line()
    {
        foreach (var (expected, arguments) in ((string, string[])[])
        [
            ("There is no picture", ["missing.png", "--upscaler", _folder["upscaler.safetensors"]]),
            ("missing.pth", [_folder["small.png"], "--upscaler", _folder["missing.pth"]]),
            ("known are .png", [_folder["small.png"], "--upscaler", _folder["upscaler.safetensors"], "-o", "a.gif"]),
            ("expected 0 or more", [_folder["small.png"], "--upscaler", _folder["upscaler.safetensors"], "--tile", "-5"]),
            ("'--upscaler' is required", [_folder["small.png"]]),
        ])
        {
            var run = await Run.Of(["upscale", .. arguments]);
            Assert.Equal((2, ""), (run.ExitCode, run.Out));
            Assert.Contains(expected, Assert.Single(run.ErrorLines));
        }
    }

    [Fact]
    public async Task A_cancelled_run_leaves_no_file()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        var run = await Run.Of(cancelled.Token, "upscale", _folder["small.png"], "--upscaler", _folder["upscaler.safetensors"], "-o", _folder["large.png"]);
        Assert.Equal(130, run.ExitCode);
        Assert.False(File.Exists(_folder["large.png"]));
    }
}
