using System.Text.Json;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;

namespace DiffSynthSharp.Cli.Tests;

public sealed class PlanTests
{
    [Fact]
    public async Task A_plan_lists_phases_and_what_each_mode_changes()
    {
        var run = await Run.Of("plan", "--model", TinyModel.Folder, "--size", "64x64", "--steps", "3", "--memory", "balanced");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.StartsWith($"{TinyModel.Folder}: Stable Diffusion 1.x, one picture of 64x64, ", run.Lines[0]);
        Assert.All(["memory: balanced", "load", "encode", "step", "decode", "low", "balanced (this plan)", "full", "In all about"], word => Assert.Contains(word, run.Out));
    }

    [Fact]
    public async Task Json_is_one_object()
    {
        var run = await Run.Of("plan", "--model", TinyModel.SingleFile, "--size", "96x64", "--count", "2", "--json");
        var plan = JsonDocument.Parse(Assert.Single(run.Lines)).RootElement;
        Assert.Equal((96, "full"), (plan.GetProperty("width").GetInt32(), plan.GetProperty("mode").GetString()));
        Assert.Equal(["load", "encode", "step", "decode"], plan.GetProperty("phases").EnumerateArray().Select(phase => phase.GetProperty("phase").GetString()));
        Assert.Equal(["balanced", "full", "low"], plan.GetProperty("modes").EnumerateArray().Select(mode => mode.GetProperty("mode").GetString()).Order());
        Assert.Equal(plan.GetProperty("peak_bytes").GetInt64(), plan.GetProperty("phases").EnumerateArray().Max(phase => phase.GetProperty("peak_bytes").GetInt64()));
    }

    [Theory]
    [InlineData("There is no file or folder", "--model", "missing.safetensors")]
    [InlineData("64x64", "--size", "63x64")]
    [InlineData("looks like a T5 text encoder, which is a part of a model: name it with --t5", "--model", "T5")]
    public async Task What_cannot_be_planned_is_an_error_in_one_line(string expected, params string[] arguments)
    {
        var flux = PipelineModels.Folder(GoldenFolder.All().First(golden => golden.Name == "pipeline-flux-dev"), "files");
        var run = await Run.Of(["plan", .. arguments.Contains("--model") ? Array.Empty<string>() : ["--model", TinyModel.Folder], .. arguments.Select(argument => argument == "T5" ? Path.Combine(flux, "t5xxl_fp16.safetensors") : argument)]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, Assert.Single(run.ErrorLines));
    }
}
