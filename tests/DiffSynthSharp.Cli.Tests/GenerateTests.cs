using System.Text.Json;
using DiffSynthSharp.Cli.Output;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Cli.Tests;

public sealed class GenerateTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_picture_is_written_with_what_made_it_and_its_name_is_printed()
    {
        var run = await Generate("a red car!", "--seed", "42", "-o", $"{_folder.Path}/", "--negative", "blurry", "--clip-skip", "2");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(_folder["a-red-car-42.png"], Assert.Single(run.Lines));
        Assert.Equal((64, 64), Size(_folder["a-red-car-42.png"]));
        var parameters = PngText.Read(_folder["a-red-car-42.png"])["parameters"];
        Assert.StartsWith("a red car!\nNegative prompt: blurry\nSteps: 2, Sampler: DDIM, Schedule type: ", parameters);
        Assert.Contains($", CFG scale: 7.5, Seed: 42, Size: 64x64, Model hash: ", parameters);
        Assert.Contains($", Model: {Path.GetFileName(TinyModel.Folder)}, Clip skip: 2, RNG: CPU, Version: DiffSynthSharp ", parameters);
    }

    [Fact]
    public async Task Without_a_model_the_starter_model_draws()
    {
        var run = await Run.Of("generate", "a red car by the sea", "--steps", "2", "--seed", "1", "-o", _folder["car.png"], "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal((128, 128), Size(_folder["car.png"]));
        Assert.Contains("Model: starter", PngText.Read(_folder["car.png"])["parameters"]);
    }

    [Fact]
    public async Task Progress_is_told_line_by_line_when_it_goes_to_a_file()
    {
        var run = await Generate("a car", "-o", _folder["a.png"]);
        Assert.Contains(run.ErrorLines, line => line.StartsWith("load: done at", StringComparison.Ordinal));
        Assert.Contains(run.ErrorLines, line => line.Contains("ddim", StringComparison.Ordinal));
        Assert.Contains(run.ErrorLines, line => line.StartsWith("encode: done at", StringComparison.Ordinal));
        Assert.Contains(run.ErrorLines, line => line.StartsWith("step 1/2, ", StringComparison.Ordinal) && line.Contains("s/step") && line.EndsWith("left"));
        Assert.Contains(run.ErrorLines, line => line.StartsWith("step 2/2", StringComparison.Ordinal));
        Assert.StartsWith("decode: done at", run.ErrorLines[^1]);
    }

    [Fact]
    public async Task Quiet_prints_nothing()
    {
        var run = await Generate("a car", "-o", _folder["a.webp"], "--quiet");
        Assert.Equal((0, "", ""), (run.ExitCode, run.Out, run.Error));
        Assert.Equal((64, 64), Size(_folder["a.webp"]));
    }

    [Fact]
    public async Task Json_prints_a_line_per_picture_and_each_equals_its_own_single_run()
    {
        var run = await Generate(
            "a car", "-o", _folder["car.png"], "--seed", "7", "--count", "3", "--batch", "2", "--json", "--latents-output", _folder["l.safetensors"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var lines = run.Lines.Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal([7, 8, 9], lines.Select(line => line.GetProperty("seed").GetInt64()));
        Assert.Equal([_folder["car-7.png"], _folder["car-8.png"], _folder["car-9.png"]], lines.Select(line => line.GetProperty("file").GetString()));
        Assert.All(lines, line => Assert.InRange(line.GetProperty("peak_memory_bytes").GetInt64(), 1 << 20, long.MaxValue));
        Assert.All(["load", "encode", "denoise", "decode"], phase => Assert.True(lines[2].GetProperty("seconds").GetProperty(phase).GetDouble() > 0));
        await Generate("a car", "-o", _folder["single.png"], "--seed", "9", "--quiet");
        Assert.Equal(Picture.Load(_folder["single.png"]).Rgb.ToArray(), Picture.Load(_folder["car-9.png"]).Rgb.ToArray());
        using var latents = WeightFile.Open(_folder["l.safetensors"]);
        Assert.Equal([3, 4, 8, 8], latents.Entries["latents"].Shape);
    }

    [Fact]
    public async Task An_initial_picture_gives_the_size()
    {
        new Picture(48, 64, new byte[3 * 48 * 64]).Save(_folder["init.png"]);
        var run = await Run.Of(
            "generate", "a car", "--model", TinyModel.Folder, "--steps", "2", "--sampler", "ddim", "--init", _folder["init.png"], "--strength", "0.6",
            "-o", _folder["a.png"], "--quiet");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal((48, 64), Size(_folder["a.png"]));
        Assert.Contains("Denoising strength: 0.6", PngText.Read(_folder["a.png"])["parameters"]);
    }

    [Fact]
    public async Task An_initial_picture_is_resized_to_the_size_that_is_asked_for_and_that_is_said()
    {
        new Picture(50, 70, new byte[3 * 50 * 70]).Save(_folder["init.png"]);
        var run = await Generate("a car", "--init", _folder["init.png"], "-o", _folder["a.png"]);
        Assert.Equal("The initial picture was resized from 50x70 to 64x64.", run.ErrorLines[0]);
        Assert.Equal((64, 64), Size(_folder["a.png"]));
        var alone = await Run.Of("generate", "a car", "--model", TinyModel.Folder, "--sampler", "ddim", "--init", _folder["init.png"], "--quiet");
        Assert.Equal(2, alone.ExitCode);
        Assert.Contains("48x72", alone.Error);
    }

    [Fact]
    public async Task A_cancelled_run_ends_with_130_and_leaves_no_file()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        var run = await Run.Of(cancelled.Token, "generate", "a car", "--model", TinyModel.Folder, "-o", _folder["a.png"]);
        Assert.Equal((130, ""), (run.ExitCode, run.Out));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Theory]
    [InlineData("A red car, by the sea!", "a-red-car-by-the-sea")]
    [InlineData("../../etc/passwd", "etc-passwd")]
    [InlineData("一只猫", "一只猫")]
    [InlineData("!?", "picture")]
    [InlineData("a very long prompt that goes on and on without end", "a-very-long-prompt-that-goes-on-and-on-w")]
    public void A_prompt_names_a_file(string prompt, string slug) => Assert.Equal(slug, PictureNames.Slug(prompt));

    [Fact]
    public void A_file_without_a_given_name_replaces_none()
    {
        Assert.Equal(_folder["a-1.png"], PictureNames.For(_folder.Path, "a", 1, false));
        File.WriteAllText(_folder["a-1.png"], "");
        Assert.Equal(_folder["a-1-2.png"], PictureNames.For(_folder.Path, "a", 1, false));
        File.WriteAllText(_folder["a-1-2.png"], "");
        Assert.Equal(_folder["a-1-3.png"], PictureNames.For(_folder.Path, "a", 1, false));
        Assert.Equal(_folder["a-1.png"], PictureNames.For(_folder["a-1.png"], "b", 2, false));
    }

    private static (int, int) Size(string path)
    {
        var picture = Picture.Load(path);
        return (picture.Width, picture.Height);
    }

    private static Task<Run> Generate(string prompt, params string[] more)
        => Run.Of(["generate", prompt, "--model", TinyModel.Folder, "--size", "64x64", "--steps", "2", "--sampler", "ddim", .. more]);
}
