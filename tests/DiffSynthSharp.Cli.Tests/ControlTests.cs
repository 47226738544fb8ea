using System.Text.Json;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;

namespace DiffSynthSharp.Cli.Tests;

/// <summary>ControlNets, LoRAs, masks and passes, as they are typed.</summary>
public sealed class ControlTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _photo;

    public ControlTests()
    {
        _photo = _folder["photo.png"];
        var random = new Random(3);
        new Picture(64, 64, [.. Enumerable.Range(0, 3 * 64 * 64).Select(i => (byte)(i / 3 % 64 < 32 ? 20 : 220 + random.Next(20)))]).Save(_photo);
    }

    private static string ControlNet
    {
        get
        {
            using var content = JsonDocument.Parse("""{"table": "weights.ldm-controlnet.tsv"}""");
            return PipelineModels.File(GoldenFolder.All().First(folder => folder.Name == "pipeline-sd15"), content.RootElement);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_control_leads_the_picture_and_one_of_scale_zero_leaves_it()
    {
        var without = await Bytes();
        Assert.NotEqual(without, await Bytes("--control", $"canny={ControlNet}:{_photo}:0.8"));
        Assert.NotEqual(without, await Bytes("--control", $"none={ControlNet}:{_photo}:0.8:0-0.6"));
        Assert.Equal(without, await Bytes("--control", $"tile={ControlNet}:{_photo}:0"));
    }

    [Fact]
    public async Task Control_high_resolution_tiles_regions_and_masks_work_together()
    {
        var mask = _folder["mask.png"];
        new Picture(32, 32, [.. Enumerable.Range(0, 3 * 32 * 32).Select(i => (byte)(i / 3 % 32 < 16 ? 255 : 0))]).Save(mask);
        var run = await Generate("--init", _photo, "--mask", mask, "--control", $"inpaint={ControlNet}:{_photo}:0.5", "--control", $"tile={ControlNet}:previous:0.5",
            "--region", $"{mask}*2:a blue door", "--highres", "96x96", "--tiled", "--tile", "8", "--tile-network", "steps", "-o", _folder["all.png"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(96, Picture.Load(_folder["all.png"]).Width);
        Assert.Contains(run.ErrorLines, line => line.Contains("The mask was resized from 32x32 to 64x64", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_panorama_in_tiles_larger_than_its_height_has_no_gaps_and_says_how_its_masks_were_fitted()
    {
        var run = await Generate("--size", "400x64", "--tiled", "--region", $"{_photo}:a blue door", "-o", _folder["wide.png"]);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("The mask of region 1 was resized from 64x64 to 400x64.", run.ErrorLines);
    }

    [Fact]
    public async Task A_control_picture_of_another_aspect_is_cropped_and_that_is_said()
    {
        var wide = _folder["wide.png"];
        new Picture(96, 64, new byte[3 * 96 * 64]).Save(wide);
        var run = await Generate("--control", $"none={ControlNet}:{wide}", "-o", _folder["a.png"]);
        Assert.Contains(run.ErrorLines, line => line.Contains("wide.png was cropped and resized from 96x64 to 64x64", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("canny", "expected ANNOTATOR=FILE:PICTURE")]
    [InlineData("canny=net.safetensors", "expected ANNOTATOR=FILE:PICTURE")]
    [InlineData("edges=net.safetensors:photo.png", "annotator 'edges'")]
    [InlineData("lineart=net.safetensors:photo.png", "sk_model.pth")]
    [InlineData("canny=net.safetensors:missing.png", "There is no picture 'missing.png'")]
    [InlineData("none=net.safetensors:PHOTO:much", "expected ANNOTATOR=FILE:PICTURE")]
    [InlineData("none=net.safetensors:PHOTO:1:0.5", "expected ANNOTATOR=FILE:PICTURE")]
    [InlineData("none=net.safetensors:PHOTO", "There is no ControlNet 'net.safetensors'")]
    public async Task A_control_that_does_not_fit_is_refused_in_a_line(string value, string about)
    {
        var run = await Generate("--control", value.Replace("PHOTO", _photo, StringComparison.Ordinal));
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(about, run.ErrorLines[^1]);
    }

    [Theory]
    [InlineData("--mask-blur", "2", "--mask")]
    [InlineData("--highres-strength", "0.5", "--highres")]
    [InlineData("--tile", "16", "--tiled")]
    [InlineData("--annotator-file", "lineart=x.pth", "--control")]
    public async Task An_option_without_the_one_it_belongs_to_says_which(string option, string value, string needed)
    {
        var run = await Generate(option, value);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(needed, run.ErrorLines[^1]);
    }

    [Fact]
    public async Task A_picture_led_by_a_control_is_repeated_bit_for_bit()
    {
        var picture = _folder["led.png"];
        await Generate("--control", $"canny={ControlNet}:{_photo}:0.8", "-o", picture);
        var again = _folder["again.png"];
        var run = await Run.Of("generate", "--like", picture, "-o", again);
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(Picture.Load(picture).Rgb.ToArray(), Picture.Load(again).Rgb.ToArray());
    }

    private async Task<byte[]> Bytes(params string[] arguments)
    {
        var run = await Generate([.. arguments, "-o", _folder["x.png"]]);
        Assert.True(run.ExitCode == 0, run.Error);
        return Picture.Load(_folder["x.png"]).Rgb.ToArray();
    }

    private static Task<Run> Generate(params string[] arguments)
        => Run.Of(["generate", "a red car", "--model", TinyModel.Folder, "--steps", "2", "--seed", "7", .. arguments.Contains("--size") ? [] : new[] { "--size", "64x64" }, .. arguments]);
}
