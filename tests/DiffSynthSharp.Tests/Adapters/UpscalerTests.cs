using DiffSynthSharp.Imaging;
using DiffSynthSharp.Models.Upscalers;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Adapters;

public sealed class UpscalerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_published_layout_of_one_network_makes_the_same_picture()
    {
        var expected = Upscaled("plain", TinyUpscaler.Config, null);
        Assert.Equal(expected, Upscaled("smoothed", TinyUpscaler.Config, name => $"params_ema.{name}"));
        Assert.Equal(expected, Upscaled("trunk", TinyUpscaler.Config, Renamed("RRDB_trunk.0.RDB1.conv1.weight")));
        Assert.Equal(expected, Upscaled("esrgan", TinyUpscaler.Config, Renamed("model.1.sub.0.RDB1.conv1.0.weight", "model.3.weight", "model.6.weight")));
    }

    [Theory]
    [InlineData(2, 2, 2)]
    [InlineData(4, 2, 1)]
    [InlineData(1, 1, 2)]
    [InlineData(1, 3, 8)]
    [InlineData(1, 0, 1)]
    public void The_scale_follows_from_the_file(int folding, int doublings, int scale)
    {
        TinyUpscaler.Write(_folder["a.safetensors"], TinyUpscaler.Config with { Folding = folding, Doublings = doublings });
        using var upscaler = Upscaler.Load(_folder["a.safetensors"]);
        Assert.Equal(scale, upscaler.Scale);
        foreach (var (width, height) in ((int, int)[])[(13, 7), (1, 1)])
        {
            var larger = upscaler.Upscale(Noise(width, height));
            Assert.Equal((width * scale, height * scale), (larger.Width, larger.Height));
        }
    }

    [Fact]
    public void Tiles_that_see_far_enough_give_the_whole_picture()
    {
        using var upscaler = Load();
        var picture = Noise(50, 37);
        var whole = upscaler.Upscale(picture, tile: 0).Rgb.ToArray();
        var tiled = upscaler.Upscale(picture, tile: 16, pad: 24).Rgb.ToArray();
        Assert.InRange(whole.Zip(tiled, (a, b) => Math.Abs(a - b)).Max(), 0, 1);
        var blind = upscaler.Upscale(picture, tile: 16, pad: 0).Rgb.ToArray();
        Assert.True(whole.Zip(blind, (a, b) => Math.Abs(a - b)).Max() > 1);
    }

    [Fact]
    public void Progress_counts_the_tiles()
    {
        using var upscaler = Load();
        var told = new List<(int Done, int Total)>();
        upscaler.Upscale(Noise(20, 9), tile: 8, pad: 2, new Listener(told.Add));
        Assert.Equal(Enumerable.Range(0, 7).Select(done => (done, 6)), told);
    }

    [Fact]
    public void Finished_and_cancelled_jobs_leave_no_tensor_behind()
    {
        using var upscaler = Load();
        upscaler.Upscale(Noise(9, 9));
        var before = Tensor.TotalCount;
        upscaler.Upscale(Noise(30, 20), tile: 8);
        using var source = new CancellationTokenSource();
        var told = 0;
        Assert.ThrowsAny<OperationCanceledException>(() => upscaler.Upscale(Noise(30, 20), 8, 2, new Listener(report => { told++; if (report.Done == 1) source.Cancel(); }), source.Token));
        Assert.Equal(2, told);
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void A_result_beyond_any_picture_is_refused_before_it_is_computed()
    {
        TinyUpscaler.Write(_folder["a.safetensors"], TinyUpscaler.Config with { Doublings = 3 });
        using var upscaler = Upscaler.Load(_folder["a.safetensors"]);
        Assert.Contains("16000x8000", Assert.Throws<DiffSynthException>(() => upscaler.Upscale(new Picture(2000, 1000, new byte[3 * 2000 * 1000]))).Message);
        Assert.Contains("expected 0 or more", Assert.Throws<DiffSynthException>(() => upscaler.Upscale(Noise(2, 2), tile: -1)).Message);
    }

    [Fact]
    public void A_file_of_another_kind_is_refused_by_name()
        => Assert.Contains("is no ESRGAN upscaler", Assert.Throws<DiffSynthException>(() => Upscaler.Load(TinyModel.SingleFile)).Message);

    [Fact]
    public void A_file_that_lacks_a_tensor_is_refused_with_its_name()
    {
        TinyUpscaler.Write(_folder["a.safetensors"], TinyUpscaler.Config, name => name == "conv_hr.bias" ? "unknown.bias" : name);
        Assert.Contains("unknown.bias", Assert.Throws<DiffSynthException>(() => Upscaler.Load(_folder["a.safetensors"])).Message);
        TinyUpscaler.Write(_folder["b.safetensors"], TinyUpscaler.Config, name => name.StartsWith("conv_last", StringComparison.Ordinal) ? $"x{name}" : name);
        Assert.Contains("lacks the tensor 'conv_last.weight'", Assert.Throws<DiffSynthException>(() => Upscaler.Load(_folder["b.safetensors"])).Message);
    }

    // The map of a layout, asked for the file's name of each of our tensors.
    private static Func<string, string> Renamed(params string[] signs)
    {
        var map = RrdbKeys.For(signs)!;
        return ours => map.ToTheirs(ours)!;
    }

    private byte[] Upscaled(string name, RrdbConfig config, Func<string, string>? theirs)
    {
        var path = _folder[$"{name}.safetensors"];
        TinyUpscaler.Write(path, config, theirs);
        using (var file = WeightFile.Open(path)) Assert.Equal(theirs is null, file.Entries.ContainsKey("body.0.rdb1.conv1.weight"));
        using var upscaler = Upscaler.Load(path);
        return upscaler.Upscale(Noise(12, 10)).Rgb.ToArray();
    }

    private Upscaler Load()
    {
        TinyUpscaler.Write(_folder["upscaler.safetensors"], TinyUpscaler.Config);
        return Upscaler.Load(_folder["upscaler.safetensors"]);
    }

    private static Picture Noise(int width, int height)
    {
        var rgb = new byte[3 * width * height];
        new Random(1).NextBytes(rgb);
        return new Picture(width, height, rgb);
    }

    private sealed class Listener(Action<(int Done, int Total)> told) : IProgress<(int Done, int Total)>
    {
        public void Report((int Done, int Total) value) => told(value);
    }
}
