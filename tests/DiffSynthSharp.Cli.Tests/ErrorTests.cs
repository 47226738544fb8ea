using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;

namespace DiffSynthSharp.Cli.Tests;

public sealed class ErrorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Steps 0 doesn't fit: expected 1 … 1000", "--steps", "0")]
    [InlineData("expected a whole number", "--steps", "many")]
    [InlineData("Strength 2 doesn't fit: expected 0 … 1", "--strength", "2")]
    [InlineData("name it with --init", "--strength", "0.5")]
    [InlineData("Did you mean 'euler'?", "--sampler", "eulr")]
    [InlineData("Did you mean 'karras'?", "--schedule", "karas")]
    [InlineData("Shift 0 doesn't fit: expected 0.01 … 100", "--shift", "0")]
    [InlineData("Known: epsilon, v", "--prediction", "x0")]
    [InlineData("such as 512x512", "--size", "large")]
    [InlineData("There is no picture", "--init", "missing.png")]
    [InlineData("There is no file or folder 'missing.safetensors'", "--model", "missing.safetensors")]
    [InlineData(".png, .jpg, .jpeg, .webp", "--output", "a.tiff")]
    [InlineData("there is no folder", "--output", "missing/folder/a.png")]
    [InlineData("there is no folder", "--latents-output", "missing/folder/a.safetensors")]
    [InlineData("Count 0 doesn't fit", "--count", "0")]
    [InlineData("seeds are 0 … 4294967295", "--seed", "-1")]
    [InlineData("seeds are 0 … 4294967295", "--seed", "4294967296")]
    [InlineData("expected a number", "--guidance", "NaN")]
    [InlineData("'--stepz'", "--stepz", "4")]
    public async Task A_wrong_value_is_one_line_that_says_what_fits(string expected, params string[] arguments)
        => AssertOneLine(expected, await Run.Of(["generate", "a cat", .. arguments]));

    [Fact]
    public async Task A_prompt_is_asked_for() => AssertOneLine("There is no prompt", await Run.Of("generate"));

    [Fact]
    public async Task A_size_that_does_not_fit_the_model_names_the_nearest_that_does()
        => AssertOneLine("512x336", await Run.Of("generate", "a cat", "--model", TinyModel.Folder, "--size", "511x333", "--quiet"));

    [Fact]
    public async Task A_shift_that_the_model_has_no_use_for_is_refused()
        => AssertOneLine("trained by flow matching", await Run.Of("generate", "a cat", "--model", TinyModel.Folder, "--shift", "3", "--quiet"));

    [Fact]
    public async Task An_unknown_device_is_refused_with_those_there_are()
        => AssertOneLine("cpu, cuda", await Run.Of("generate", "a cat", "--model", TinyModel.Folder, "--device", "tpu", "--quiet"));

    [Theory]
    [InlineData("0 threads don't fit", "generate", "a cat", "--quiet", "--threads", "0")]
    [InlineData("100000 threads don't fit", "generate", "a cat", "--quiet", "--threads", "100000")]
    [InlineData("0 threads don't fit", "bench", "--threads", "0")]
    [InlineData("0 steps don't fit", "bench", "--steps", "0")]
    public async Task A_number_that_libtorch_would_not_survive_is_refused(string expected, params string[] command)
        => AssertOneLine(expected, await Run.Of([.. command, "--model", TinyModel.Folder]));

    [Fact]
    public async Task A_benchmark_takes_a_model_or_random_weights_not_both()
    {
        var run = await Run.Of("bench", "--random", "sd15", "--model", TinyModel.Folder);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("error: Name a model, or an architecture for random weights, not both.", run.ErrorLines);
    }

    [Fact]
    public async Task A_prompt_that_begins_with_an_at_sign_names_no_file()
        => AssertOneLine("There is no file or folder", await Run.Of("generate", "@cat", "--model", "missing.safetensors"));

    [Theory]
    [InlineData("inspect")]
    [InlineData("generate", "a cat", "--model")]
    public async Task A_file_that_is_no_model_is_refused_in_one_line(params string[] command)
    {
        byte[][] contents =
        [
            [], [1, 2, 3], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, (byte)'{'],
            [.. "PK\x03\x04 not a zip"u8], [0x80, 2, (byte)'c', .. "os\nsystem\n"u8],
        ];
        foreach (var content in contents)
        {
            File.WriteAllBytes(_folder["model.ckpt"], content);
            AssertOneLine("model.ckpt", await Run.Of([.. command, _folder["model.ckpt"]]));
        }
    }

    [Fact]
    public async Task A_vocabulary_that_is_missing_says_which_command_fetches_it()
    {
        File.Copy(TinyModel.SingleFile, _folder["model.safetensors"]);
        AssertOneLine("holds no CLIP tokenizer", await Run.Of("generate", "a cat", "--model", _folder["model.safetensors"], "--tokenizers", _folder["none"]));
    }

    private static void AssertOneLine(string expected, Run run)
    {
        Assert.Equal(2, run.ExitCode);
        Assert.Empty(run.Out);
        Assert.StartsWith("error: ", Assert.Single(run.ErrorLines));
        Assert.Contains(expected, run.Error);
    }
}
