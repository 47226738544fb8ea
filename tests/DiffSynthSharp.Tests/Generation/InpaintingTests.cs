using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Tests.Generation;

public sealed class InpaintingTests : IDisposable
{
    private readonly DiffusionModel _model = DiffusionModel.Load(TinyModel.Folder);

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData("euler-a")]
    [InlineData("dpm++-2m")]
    [InlineData("dpm-fast")]
    [InlineData("dpm-adaptive")]
    public void Black_pixels_of_the_mask_stay_bit_for_bit_and_white_ones_are_made_anew(string sampler)
    {
        var original = Original(_model);
        var made = _model.Generate(Request(original) with { Sampler = sampler, Seeds = [8] })[0].Picture;
        Assert.Equal(Columns(original, 32, 64), Columns(made, 32, 64));
        Assert.NotEqual(Columns(original, 0, 24), Columns(made, 0, 24));
    }

    [Fact]
    public void Without_pasting_the_kept_part_is_what_the_autoencoder_makes_of_it()
    {
        var original = Original(_model);
        var made = _model.Generate(Request(original) with { Mask = LeftHalf(64, 64) with { PasteOriginal = false } })[0].Picture;
        Assert.NotEqual(Columns(original, 40, 64), Columns(made, 40, 64));
    }

    [Fact]
    public void A_grown_mask_makes_more_anew_and_a_soft_edge_blends()
    {
        var original = Original(_model);
        var grown = _model.Generate(Request(original) with { Mask = LeftHalf(64, 64) with { Blur = 0, Expand = 8 } })[0].Picture;
        Assert.NotEqual(Columns(original, 32, 40), Columns(grown, 32, 40));
        Assert.Equal(Columns(original, 40, 64), Columns(grown, 40, 64));
        var soft = _model.Generate(Request(original) with { Mask = LeftHalf(64, 64) with { Blur = 2 } })[0].Picture;
        Assert.Equal(Columns(original, 38, 64), Columns(soft, 38, 64));
        Assert.NotEqual(Columns(original, 32, 37), Columns(soft, 32, 37));
    }

    [Fact]
    public void A_mask_of_another_size_is_fitted_to_the_picture()
    {
        var original = Original(_model);
        var small = _model.Generate(Request(original) with { Mask = LeftHalf(16, 16) })[0].Picture;
        Assert.Equal(Columns(original, 48, 64), Columns(small, 48, 64));
        Assert.NotEqual(Columns(original, 0, 16), Columns(small, 0, 16));
    }

    [Fact]
    public void A_mask_without_a_picture_is_refused()
    {
        var error = Assert.Throws<DiffSynthException>(() => _model.Generate(TinyModel.Request with { Mask = LeftHalf(64, 64) }));
        Assert.Contains("initial picture", error.Message);
    }

    [Fact]
    public void A_checkpoint_for_inpainting_fills_masks_and_makes_whole_pictures_too()
    {
        using var model = DiffusionModel.Load(TinyModel.InpaintingFile);
        var original = Original(model);
        Assert.NotEqual(original.Rgb.ToArray(), Original(model, seed: 8).Rgb.ToArray());
        foreach (var strength in new[] { 0.6, 1 })
        {
            var made = model.Generate(Request(original) with { Init = new(original, strength) })[0].Picture;
            Assert.Equal(Columns(original, 32, 64), Columns(made, 32, 64));
            Assert.NotEqual(Columns(original, 0, 24), Columns(made, 0, 24));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_inpainted_picture_of_a_batch_equals_its_own_single_run(bool isInpaintingCheckpoint)
    {
        using var other = isInpaintingCheckpoint ? DiffusionModel.Load(TinyModel.InpaintingFile) : null;
        var model = other ?? _model;
        var request = Request(Original(model)) with { Init = new(Original(model), 0.7, LatentPosterior.Sample) };
        var together = model.Generate(request with { Seeds = [1, 2], Batch = 2 });
        foreach (var picture in together)
            Assert.Equal(model.Generate(request with { Seeds = [picture.Seed] })[0].Latents, picture.Latents);
    }

    private static Picture Original(DiffusionModel model, long seed = 7) => model.Generate(TinyModel.Request with { Seeds = [seed] })[0].Picture;

    private static GenerationRequest Request(Picture original)
        => TinyModel.Request with { Prompt = "a blue door", Init = new(original, 0.9), Mask = LeftHalf(64, 64) with { Blur = 0 } };

    private static InpaintMask LeftHalf(int width, int height)
        => new(new Picture(width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)(i / 3 % width < width / 2 ? 255 : 0))]));

    private static byte[] Columns(Picture picture, int from, int to)
        => [.. Enumerable.Range(0, picture.Width * picture.Height).Where(i => i % picture.Width >= from && i % picture.Width < to).SelectMany(i => picture.Rgb.Slice(3 * i, 3).ToArray())];
}
