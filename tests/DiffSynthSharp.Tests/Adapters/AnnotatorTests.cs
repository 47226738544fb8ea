using DiffSynthSharp.Adapters.Annotators;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Imaging.Annotators;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Annotators;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Adapters;

public sealed class AnnotatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("none")]
    [InlineData("tile")]
    [InlineData("inpaint")]
    public void Some_leave_the_picture_as_it_is(string name)
    {
        var picture = Gradient(20, 10);
        Assert.Same(picture, AnnotatorNames.Run(name, picture));
    }

    [Theory]
    [InlineData("canny")]
    [InlineData("color")]
    public void Some_need_no_file(string name)
    {
        var picture = Gradient(130, 70);
        var control = AnnotatorNames.Run(name, picture);
        Assert.Equal((130, 70), (control.Width, control.Height));
        Assert.NotEqual(picture.Rgb.ToArray(), control.Rgb.ToArray());
    }

    [Fact]
    public void Lines_and_depth_have_the_pictures_size_and_are_grey()
    {
        TinyAnnotators.WriteLineart(_folder["sk_model.safetensors"]);
        TinyAnnotators.WriteDepthAnything(_folder["depth.safetensors"]);
        foreach (var (name, file) in ((string, string)[])[("lineart", "sk_model.safetensors"), ("depth", "depth.safetensors")])
        {
            var control = AnnotatorNames.Run(name, Gradient(100, 70), _folder[file]);
            Assert.Equal((100, 70), (control.Width, control.Height));
            var levels = control.Rgb.ToArray().Chunk(3).ToList();
            Assert.All(levels, level => Assert.True(level[0] == level[1] && level[1] == level[2]));
            Assert.InRange(levels.Select(level => level[0]).Distinct().Count(), 10, 256);
        }
    }

    [Fact]
    public void Both_layouts_of_Depth_Anything_see_the_same_depth()
    {
        TinyAnnotators.WriteDepthAnything(_folder["a.safetensors"]);
        TinyAnnotators.WriteDepthAnythingOfTransformers(_folder["b.safetensors"], _folder["a.safetensors"]);
        var picture = Gradient(60, 50);
        var one = AnnotatorNames.Run("depth", picture, _folder["a.safetensors"]).Rgb.ToArray();
        var other = AnnotatorNames.Run("depth", picture, _folder["b.safetensors"]).Rgb.ToArray();
        Assert.InRange(one.Zip(other, (a, b) => Math.Abs(a - b)).Max(), 0, 1);
    }

    [Fact]
    public void A_picture_of_one_colour_has_no_depth_instead_of_an_error()
    {
        using var map = ones(1, 4, 6);
        using var flat = map.Stretched();
        Assert.All(flat.Levels().Levels, level => Assert.Equal(0, level));
        using var broken = full([1, 2, 2], double.NaN);
        Assert.All(broken.Levels(isInverted: true).Levels, level => Assert.Equal(255, level));
    }

    [Theory]
    [InlineData(640, 480, 686, 518)]
    [InlineData(512, 512, 518, 518)]
    [InlineData(480, 640, 518, 686)]
    [InlineData(100000, 100, 518, 14)]
    [InlineData(4000, 519, 3990, 518)]
    public void Depth_Anything_looks_at_sides_of_multiples_of_fourteen(int width, int height, int wide, int tall)
        => Assert.Equal((wide, tall), DepthAnythingDetector.Size(width, height, 14));

    [Theory]
    [InlineData(512, 768, null, 512)]
    [InlineData(4096, 4096, 1536 * 1536, 1536)]
    [InlineData(6144, 1536, 1536 * 1536, 768)]
    [InlineData(9, 7, 100, 7)]
    public void A_large_picture_is_looked_at_in_a_smaller_size(int width, int height, int? mostPixels, int resolution)
        => Assert.Equal(resolution, DetectedMap.Resolution(new Picture(width, height, new byte[3 * width * height]), mostPixels));

    [Fact]
    public void A_wrong_name_or_file_is_one_clear_sentence()
    {
        File.WriteAllText(_folder["empty.pth"], "");
        TinyAnnotators.WriteLineart(_folder["lineart.safetensors"]);
        foreach (var (expected, name, file) in ((string, string, string?)[])
        [
            ("Did you mean 'canny'?", "cany", null),
            ("name sk_model.pth", "lineart", null),
            ("name dpt_hybrid-midas", "depth", null),
            ("needs no file", "canny", _folder["lineart.safetensors"]),
            ("There is no file", "depth", _folder["missing.pth"]),
            ("empty file", "depth", _folder["empty.pth"]),
            ("is no depth network", "depth", _folder["lineart.safetensors"]),
            ("is no line drawing network", "lineart", TinyModel.SingleFile),
        ])
        {
            var message = Assert.Throws<DiffSynthException>(() => AnnotatorNames.Run(name, Gradient(8, 8), file)).Message;
            Assert.Contains(expected, message);
            Assert.DoesNotContain("\n", message);
        }
    }

    [Fact]
    public void Finished_and_cancelled_annotators_leave_no_tensor_behind()
    {
        TinyAnnotators.WriteDepthAnything(_folder["depth.safetensors"]);
        TinyAnnotators.WriteLineart(_folder["lineart.safetensors"]);
        using var gradients = no_grad();
        using var depth = Load(_folder["depth.safetensors"], DepthAnythingConfig.Keys, weights => new DepthAnything(DepthAnythingConfig.Detect(weights)));
        using var lines = Load(_folder["lineart.safetensors"], LineartConfig.Keys, weights => new Lineart(LineartConfig.Detect(weights)));
        var picture = Gradient(40, 30);
        void Run()
        {
            DepthAnythingDetector.Run(depth, picture, CPU);
            LineartDetector.Run(lines, picture, CPU);
        }
        Run();
        var before = Tensor.TotalCount;
        Run();
        using (BlockBorder.StopWith(new(canceled: true)))
        {
            Assert.ThrowsAny<OperationCanceledException>(() => DepthAnythingDetector.Run(depth, picture, CPU));
            Assert.ThrowsAny<OperationCanceledException>(() => LineartDetector.Run(lines, picture, CPU));
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static T Load<T>(string path, Func<IReadOnlyCollection<string>, KeyMap?> keys, Func<ComponentWeights, T> create) where T : nn.Module
    {
        using var file = WeightFile.Open(path);
        return NetworkFile.TryLoad(file, [""], keys, create, "network", CPU)!;
    }

    private static Picture Gradient(int width, int height)
        => new(width, height, [.. Enumerable.Range(0, 3 * width * height).Select(i => (byte)((i * 7 + i / (3 * width) * 50) % 256))]);
}
