using System.Text.Json;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;

namespace DiffSynthSharp.Cli.Tests;

public sealed class InspectTests
{
    [Fact]
    public async Task A_table_names_family_parts_types_and_sizes()
    {
        var run = await Run.Of("inspect", TinyModel.SingleFile);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal($"{TinyModel.SingleFile}: Stable Diffusion 1.x", run.Lines[0]);
        Assert.All(["text encoder", "U-Net", "autoencoder", "F16", "widths 32/64/96/96"], word => Assert.Contains(word, run.Out));
    }

    [Fact]
    public async Task Element_types_are_counted_and_what_is_missing_is_said_in_one_line()
    {
        var path = Repository.Fixture("goldens/gguf/flux-kquants.gguf");
        var run = await Run.Of("inspect", path);
        Assert.StartsWith($"{path}: FLUX.1 without CLIP-L text encoder, T5 text encoder, autoencoder; `diffsynth models where`", run.Lines[0]);
        Assert.Matches(@"Q4_K ×\d+", run.Out);
    }

    [Fact]
    public async Task A_single_part_says_what_it_is_for()
    {
        var golden = GoldenFolder.All().First(golden => golden.Name == "pipeline-flux-dev");
        var run = await Run.Of("inspect", Path.Combine(PipelineModels.Folder(golden, "files"), "t5xxl_fp16.safetensors"));
        Assert.EndsWith("looks like a T5 text encoder, which is a part of a model: name it with --t5, and the model with --model", run.Lines[0]);
        Assert.DoesNotContain("Schedule", run.Out);
    }

    [Fact]
    public async Task Tensors_are_listed_when_asked_for()
    {
        var run = await Run.Of("inspect", TinyModel.SingleFile, "--tensors");
        Assert.Contains("model.diffusion_model.input_blocks.0.0.weight\tF16\t32x4x3x3", run.Lines);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Json_is_one_object(bool withTensors)
    {
        var run = await Run.Of(["inspect", TinyModel.Folder, "--json", .. withTensors ? ["--tensors"] : Array.Empty<string>()]);
        var model = JsonDocument.Parse(Assert.Single(run.Lines)).RootElement;
        Assert.Equal("Stable Diffusion 1.x", model.GetProperty("family").GetString());
        var names = model.GetProperty("parts").EnumerateArray().Select(part => part.GetProperty("name").GetString());
        Assert.Equal(["text encoder", "U-Net", "autoencoder"], names);
        Assert.Equal(0, model.GetProperty("missing").GetArrayLength());
        Assert.Equal(withTensors, model.TryGetProperty("tensors", out _));
    }
}
