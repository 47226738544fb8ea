using System.Text.Json;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;

namespace DiffSynthSharp.Cli.Tests;

public sealed class RepeatTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_picture_is_repeated_bit_for_bit_and_options_change_what_they_name()
    {
        await Generate("a red car!", "--sampler", "euler-a", "--negative", "blurry", "--seed", "5", "-o", _folder["a.png"]);
        var again = await Run.Of("generate", "--like", _folder["a.png"], "-o", _folder["b.png"], "--quiet");
        Assert.Equal((0, ""), (again.ExitCode, again.Error));
        Assert.Equal(Pixels("a.png"), Pixels("b.png"));
        await Run.Of("generate", "--like", _folder["a.png"], "--seed", "6", "-o", _folder["c.png"], "--quiet");
        await Generate("a red car!", "--sampler", "euler-a", "--negative", "blurry", "--seed", "6", "-o", _folder["d.png"]);
        Assert.Equal(Pixels("d.png"), Pixels("c.png"));
        Assert.NotEqual(Pixels("a.png"), Pixels("c.png"));
    }

    [Fact]
    public async Task A_picture_made_of_a_resized_one_in_two_passes_is_repeated_too()
    {
        Halves(50, 70).Save(_folder["init.png"]);
        Halves(64, 64).Save(_folder["mask.png"]);
        var made = await Generate("a car", "--init", _folder["init.png"], "--mask", _folder["mask.png"], "--highres", "96x96", "--seed", "3", "-o", _folder["a.png"]);
        Assert.Equal(0, made.ExitCode);
        var verified = await Run.Of("verify", _folder["a.png"], "--quiet");
        Assert.Equal((0, $"{_folder["a.png"]}: identical{Environment.NewLine}"), (verified.ExitCode, verified.Out));
        var softer = await Run.Of("generate", "--like", _folder["a.png"], "--mask-blur", "7", "-o", _folder["b.png"]);
        Assert.True(softer.ExitCode == 0, softer.Error);
        Assert.Equal(7, PictureRecord.Read(_folder["b.png"])!.ToRequest().Mask!.Blur);
        File.Delete(_folder["init.png"]);
        var missing = await Run.Of("verify", _folder["a.png"]);
        Assert.Equal(2, missing.ExitCode);
        Assert.Contains("init.png", missing.Error);
    }

    [Fact]
    public async Task Passes_of_a_repeated_picture_take_another_strength_and_steps()
    {
        await Generate("a car", "--highres", "96x96,128x128", "--seed", "3", "-o", _folder["a.png"]);
        var run = await Run.Of("generate", "--like", _folder["a.png"], "--highres-strength", "0.3,0.5", "--highres-steps", "3", "-o", _folder["b.png"]);
        Assert.True(run.ExitCode == 0, run.Error);
        var passes = PictureRecord.Read(_folder["b.png"])!.ToRequest().HighRes;
        Assert.Equal([(96, 0.3, 3), (128, 0.5, 3)], passes.Select(pass => (pass.Width, pass.Strength, pass.Steps!.Value)));
        run = await Run.Of("generate", "--like", _folder["a.png"], "--highres-strength", "0.3,0.5,0.6", "-o", _folder["c.png"]);
        Assert.Contains("has 3 values, but there are 2 passes of --highres", Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task Verify_says_how_many_pixels_differ_and_that_the_file_was_changed()
    {
        await Generate("a car", "--seed", "3", "-o", _folder["a.png"]);
        var picture = Picture.Load(_folder["a.png"]);
        var rgb = picture.Rgb.ToArray();
        rgb[0] = (byte)(rgb[0] < 128 ? rgb[0] + 9 : rgb[0] - 9);
        new Picture(64, 64, rgb).Save(_folder["a.png"], PngText.Read(_folder["a.png"]));
        var run = await Run.Of("verify", _folder["a.png"], "--json");
        Assert.Equal(1, run.ExitCode);
        var result = JsonDocument.Parse(Assert.Single(run.Lines)).RootElement;
        Assert.False(result.GetProperty("identical").GetBoolean());
        Assert.Equal((4096, 1, 9), (result.GetProperty("pixels").GetInt32(), result.GetProperty("differing").GetInt32(), result.GetProperty("largest").GetInt32()));
        Assert.Contains("no longer those", Assert.Single(result.GetProperty("notes").EnumerateArray()).GetString());
    }

    [Fact]
    public async Task Another_model_is_said_by_the_names_of_its_files()
    {
        await Generate("a car", "--seed", "3", "-o", _folder["a.png"]);
        var run = await Run.Of("generate", "--like", _folder["a.png"], "--model", TinyModel.SingleFile, "-o", _folder["b.png"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(run.ErrorLines, line => line.Contains("unet/diffusion_pytorch_model.safetensors", StringComparison.Ordinal) && line.Contains("SHA-256", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_picture_of_another_program_asks_for_its_model_and_says_what_does_not_map()
    {
        const string text = "a cat <lora:ink:0.8>\nNegative prompt: ugly\nSteps: 2, Sampler: DPM++ 2M Karras, CFG scale: 4, Seed: 9, Size: 64x64, Model hash: 45dee52b00, Model: v1-5, ENSD: 31337, Version: v1.9.4";
        Halves(64, 64).Save(_folder["webui.png"], new Dictionary<string, string> { ["parameters"] = text });
        var without = await Run.Of("generate", "--like", _folder["webui.png"], "-o", _folder["a.png"]);
        Assert.Equal(2, without.ExitCode);
        Assert.Contains("'v1-5' of hash 45dee52b00", without.Error);
        var run = await Run.Of("generate", "--like", _folder["webui.png"], "--model", TinyModel.Folder, "-o", _folder["a.png"]);
        Assert.Equal(0, run.ExitCode);
        Assert.All(["ENSD: 31337", "lora:ink:0.8", "RNG", "SHA-256 begins with"], said => Assert.Contains(said, run.Error));
        Assert.Contains("a cat\nNegative prompt: ugly\nSteps: 2, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 4, Seed: 9, Size: 64x64", PngText.Read(_folder["a.png"])["parameters"]);
    }

    [Fact]
    public async Task A_picture_that_says_nothing_is_refused()
    {
        Halves(8, 8).Save(_folder["plain.png"]);
        Assert.Contains("doesn't say what made it", (await Run.Of("generate", "--like", _folder["plain.png"])).Error);
        Assert.Contains("holds no record", (await Run.Of("verify", _folder["plain.png"])).Error);
        Assert.Contains("There is no prompt", (await Run.Of("generate")).Error);
    }

    private static Picture Halves(int width, int height)
        => new(width, height, [.. Enumerable.Range(0, width * height).SelectMany(i => i % width < width / 2 ? new byte[] { 255, 255, 255 } : [0, 0, 0])]);

    private byte[] Pixels(string name) => Picture.Load(_folder[name]).Rgb.ToArray();

    private static Task<Run> Generate(string prompt, params string[] more)
        => Run.Of(["generate", prompt, "--model", TinyModel.Folder, "--size", "64x64", "--steps", "2", .. more]);
}
