using DiffSynthSharp.Imaging;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Cli.Tests;

/// <summary>Options that only some families read: where nobody would, they are refused, and a repeated picture's own are left out and said.</summary>
public sealed class FamilyOptionTests(FamilyModels models) : IClassFixture<FamilyModels>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("sd15", "--t5", "a T5 text encoder, which a model of Stable Diffusion 1.x doesn't have. It takes --vae, --clip-l")]
    [InlineData("sd15", "--clip-g", "a CLIP-G text encoder, which a model of Stable Diffusion 1.x doesn't have. It takes --vae, --clip-l")]
    [InlineData("flux", "--clip-g", "a CLIP-G text encoder, which a model of FLUX.1 doesn't have. It takes --vae, --clip-l, --t5")]
    public async Task A_file_for_a_part_that_a_family_lacks_is_refused_by_every_command(string family, string option, string expected)
    {
        foreach (var command in (string[][])[["generate", "a cat", "--quiet"], ["plan"]])
            AssertOneLine($"{option} names {expected}", await Run.Of([.. command, "--model", models[family], option, models["sd3"]]));
        var bench = await Run.Of("bench", "--model", models[family], option, models["sd3"]);
        Assert.Equal(2, bench.ExitCode);
        Assert.Contains($"error: {option} names {expected}", bench.ErrorLines[^1]);
    }

    [Theory]
    [InlineData("sd15", "Stable Diffusion 1.x has no T5", "--text-length", "77")]
    [InlineData("sd15", "no T5 that would read it", "--prompt-2", "a dog")]
    [InlineData("sd15", "no blocks", "--skip-layers", "7,8")]
    [InlineData("sd15", "can't be skipped", "--cache-threshold", "0.2")]
    [InlineData("sd15", "told no guidance", "--guidance-embedded", "3.5")]
    [InlineData("sd15", "was not trained by flow matching; use --schedule", "--shift", "3")]
    [InlineData("sd3", "told no guidance", "--guidance-embedded", "3.5")]
    [InlineData("sd3", "can't be skipped", "--cache-threshold", "0.2")]
    [InlineData("flux", "no blocks", "--skip-layers", "7,8")]
    [InlineData("flux", "CLIP's summary alone", "--clip-skip", "2")]
    [InlineData("flux", "--text-length", "--long-prompt", "chunks")]
    [InlineData("flux", "T5 reads the prompt in one row", "--emphasis", "kept")]
    public async Task A_value_that_a_family_does_not_read_is_refused_by_name(string family, string expected, string option, string value)
    {
        var run = await Generate(family, option, value);
        AssertOneLine(expected, run);
        Assert.Contains(option, run.Error);
    }

    [Fact]
    public async Task A_plan_refuses_a_text_length_without_T5() => AssertOneLine("Stable Diffusion 1.x has no T5", await Run.Of("plan", "--model", TinyModel.Folder, "--text-length", "77"));

    [Fact]
    public async Task What_guidance_alone_gives_a_meaning_is_said_to_change_nothing_without_it()
    {
        var run = await Run.Of("generate", "a cat", "--model", models["flux"], "--tokenizers", RandomModels.Tokenizers, "--size", "32x32", "--steps", "1", "--negative", "blurry", "-o", _folder["a.png"]);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Without guidance the negative prompt changes nothing: --guidance above 1 switches it on.", run.ErrorLines);
    }

    [Fact]
    public async Task A_picture_is_repeated_with_another_family_which_says_what_it_leaves_out()
    {
        var made = await Generate("flux", "--seed", "3", "--guidance-embedded", "2", "--text-length", "20", "--t5", models["sd3"], "-o", _folder["a.png"]);
        Assert.True(made.ExitCode == 0, made.Error);
        Assert.Equal(0, (await Run.Of("verify", _folder["a.png"])).ExitCode);
        var again = await Run.Of("generate", "--like", _folder["a.png"], "--model", TinyModel.Folder, "--sampler", "ddim", "--size", "64x64", "-o", _folder["b.png"]);
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.All(["The picture's embedded guidance", "The picture's text length", "The record's --t5"], said => Assert.Contains(again.ErrorLines, line => line.StartsWith(said, StringComparison.Ordinal)));
        Assert.Equal(0, (await Run.Of("verify", _folder["b.png"], "--quiet")).ExitCode);
        var asked = await Run.Of("generate", "--like", _folder["a.png"], "--model", TinyModel.Folder, "--size", "64x64", "--text-length", "30", "-o", _folder["c.png"]);
        Assert.Equal(2, asked.ExitCode);
        Assert.Contains("text length (--text-length) can't be used", asked.ErrorLines[^1]);
    }

    [Theory]
    [InlineData("flux", "LoRAs for FLUX.1 are not supported yet")]
    [InlineData("sd3", "LoRAs for Stable Diffusion 3 are not supported yet")]
    [InlineData("sd15", "is one of FLUX.1; the model is Stable Diffusion 1.x")]
    public async Task A_LoRA_that_a_family_can_not_use_is_refused_in_a_line(string family, string expected)
    {
        SafetensorsWriter.Write(_folder["lora.safetensors"], [("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", ones(2, 8)), ("transformer.single_transformer_blocks.0.attn.to_q.lora_B.weight", ones(8, 2))]);
        AssertOneLine(expected, await Generate(family, "--lora", _folder["lora.safetensors"]));
    }

    [Theory]
    [InlineData("flux", "ControlNets for FLUX.1 are not supported yet")]
    [InlineData("sd3", "ControlNets for Stable Diffusion 3 are not supported yet")]
    [InlineData("sd15", "looks like a ControlNet for FLUX")]
    public async Task A_ControlNet_that_a_family_can_not_use_is_refused_in_a_line(string family, string expected)
    {
        SafetensorsWriter.Write(_folder["control.safetensors"], [("controlnet_x_embedder.weight", ones(8, 8))]);
        new Picture(32, 32, new byte[3 * 32 * 32]).Save(_folder["a.png"]);
        AssertOneLine(expected, await Generate(family, "--control", $"none={_folder["control.safetensors"]}:{_folder["a.png"]}"));
    }

    [Theory]
    [InlineData("--vae", "x.safetensors", "only --threads", "--random", "sd15")]
    [InlineData("--size", "64x64", "--write measures nothing; --size has no meaning", "--random", "flux-dev", "--write", "x.safetensors")]
    [InlineData("--type", "bf16", "name the file with --write")]
    public async Task A_benchmark_refuses_what_it_would_not_read(string option, string value, string expected, params string[] more)
    {
        var run = await Run.Of(["bench", option, value, .. more]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.ErrorLines[^1]);
    }

    private Task<Run> Generate(string family, params string[] more)
        => Run.Of(["generate", "a cat", "--model", models[family], "--tokenizers", RandomModels.Tokenizers, "--size", "32x32", "--steps", "1", "--quiet", .. more]);

    private static void AssertOneLine(string expected, Run run)
    {
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.StartsWith("error: ", Assert.Single(run.ErrorLines));
        Assert.Contains(expected, run.Error);
    }
}
