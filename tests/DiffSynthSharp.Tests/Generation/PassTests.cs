using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Tests.Generation;

/// <summary>High-resolution passes, tiles and regions.</summary>
public sealed class PassTests : IDisposable
{
    private readonly DiffusionModel _model = DiffusionModel.Load(TinyModel.Folder);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Passes_follow_one_another_and_the_pictures_before_are_kept()
    {
        var made = _model.Generate(TinyModel.Request with { HighRes = [new(96, 96) { Steps = 2 }, new(128, 64) { Strength = 0.3 }] })[0];
        Assert.Equal((128, 64), (made.Picture.Width, made.Picture.Height));
        Assert.Equal([(64, 64), (96, 96)], made.Earlier.Select(picture => (picture.Picture.Width, picture.Picture.Height)));
        Assert.Equal(_model.Generate(TinyModel.Request)[0].Latents, made.Earlier[0].Latents);
    }

    [Fact]
    public void A_pass_of_strength_zero_is_the_enlarged_picture_through_the_autoencoder()
    {
        var first = _model.Generate(TinyModel.Request)[0].Picture;
        var enlarged = _model.Generate(TinyModel.Request with { HighRes = [new(96, 96) { Strength = 0 }] })[0];
        var expected = _model.Generate(TinyModel.Request with { Width = 96, Height = 96, Init = new(first.Resize(96, 96), 0) })[0];
        Assert.Equal(expected.Picture.Rgb.ToArray(), enlarged.Picture.Rgb.ToArray());
    }

    [Fact]
    public void Each_picture_of_a_batch_is_refined_as_it_would_be_alone()
    {
        var request = TinyModel.Request with { HighRes = [new(96, 96), new(64, 96) { Seed = 5 }] };
        foreach (var picture in _model.Generate(request with { Seeds = [7, 8], Batch = 2 }))
            Assert.Equal(_model.Generate(request with { Seeds = [picture.Seed] })[0].Latents, picture.Latents);
    }

    [Theory]
    [InlineData(TiledNetwork.Blocks)]
    [InlineData(TiledNetwork.Steps)]
    [InlineData(TiledNetwork.None)]
    public void Tiles_that_leave_a_remainder_cover_the_picture(TiledNetwork network)
    {
        var request = TinyModel.Request with { Width = 136, Height = 104 };
        var whole = _model.Generate(request)[0];
        var tiled = _model.Generate(request with { Tiles = new(8, 5) { Network = network } })[0];
        Assert.Equal(whole.Latents.Length, tiled.Latents.Length);
        Assert.All(tiled.Latents, value => Assert.True(float.IsFinite(value)));
        Assert.NotEqual(whole.Picture.Rgb.ToArray(), tiled.Picture.Rgb.ToArray());
    }

    [Theory]
    [InlineData(TiledNetwork.Blocks)]
    [InlineData(TiledNetwork.Steps)]
    public void A_tile_as_large_as_the_picture_changes_nothing(TiledNetwork network)
    {
        var whole = _model.Generate(TinyModel.Request)[0];
        var tiled = _model.Generate(TinyModel.Request with { Tiles = new(64, 32) { Network = network } })[0];
        var most = whole.Latents.Max(Math.Abs);
        Assert.All(whole.Latents.Zip(tiled.Latents), pair => Assert.InRange(pair.Second - pair.First, -1e-4f * most, 1e-4f * most));
    }

    [Fact]
    public void Inpainting_checkpoints_run_in_tiles_of_the_whole_network()
    {
        using var model = DiffusionModel.Load(TinyModel.InpaintingFile);
        var original = model.Generate(TinyModel.Request)[0].Picture;
        var mask = new InpaintMask(new Picture(64, 64, [.. Enumerable.Repeat((byte)255, 3 * 64 * 64)]));
        var request = TinyModel.Request with { Init = new(original, 1), Mask = mask };
        var whole = model.Generate(request)[0].Latents;
        var most = whole.Max(Math.Abs);
        var tiled = model.Generate(request with { Tiles = new(16, 8) { Network = TiledNetwork.Steps } })[0].Latents;
        Assert.All(whole.Zip(tiled), pair => Assert.InRange(pair.Second - pair.First, -1e-4f * most, 1e-4f * most));
    }

    [Fact]
    public void A_region_that_repeats_the_prompt_changes_nothing_and_another_changes_its_part_most()
    {
        var request = TinyModel.Request with { Width = 192, Sampler = "euler", Guidance = 1 };
        var plain = _model.Generate(request)[0];
        var same = _model.Generate(request with { Regions = [new(Half(192, 64), request.Prompt, 3)] })[0];
        var most = plain.Latents.Max(Math.Abs);
        Assert.All(plain.Latents.Zip(same.Latents), pair => Assert.InRange(pair.Second - pair.First, -1e-4f * most, 1e-4f * most));
        var other = _model.Generate(request with { Steps = 1, Regions = [new(Half(192, 64), "an old lighthouse in a storm", 3)] })[0];
        var before = _model.Generate(request with { Steps = 1 })[0];
        Assert.True(Difference(before, other, column => column < 8) > 3 * Difference(before, other, column => column >= 16));
    }

    [Theory]
    [InlineData(7, 4, "Tile 7")]
    [InlineData(16, -1, "Tile stride -1")]
    [InlineData(16, 17, "Tile stride 17")]
    public void Tiles_that_make_no_sense_are_refused(int tile, int stride, string about)
        => Assert.Contains(about, Assert.Throws<DiffSynthException>(() => _model.Generate(TinyModel.Request with { Tiles = new(tile, stride) })).Message);

    [Fact]
    public void A_pass_of_a_size_that_does_not_fit_is_refused_before_anything_runs()
    {
        var error = Assert.Throws<DiffSynthException>(() => _model.Generate(TinyModel.Request with { HighRes = [new(100, 96)] }));
        Assert.Contains("100x96", error.Message);
        Assert.Contains("96x96", error.Message);
    }

    private static double Difference(GeneratedPicture one, GeneratedPicture other, Func<int, bool> columns)
        => Enumerable.Range(0, one.Latents.Length).Where(i => columns(i % one.LatentShape[2])).Average(i => Math.Abs(one.Latents[i] - other.Latents[i]));

    private static Picture Half(int width, int height)
        => new(width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)(i / 3 % width < width / 2 ? 255 : 0))]);
}
