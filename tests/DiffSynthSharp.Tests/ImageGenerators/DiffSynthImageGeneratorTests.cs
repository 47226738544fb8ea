using DiffSynthSharp.Imaging;
using DiffSynthSharp.Tests.Generation;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

#pragma warning disable MEAI001 // the interface may still change

namespace DiffSynthSharp.Tests.ImageGenerators;

public sealed class DiffSynthImageGeneratorTests : IDisposable
{
    private readonly DiffSynthImageGenerator _generator = new(TinyModel.Folder);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _generator.Dispose();

    [Fact]
    public async Task Text_becomes_as_many_pictures_as_asked_for()
    {
        var response = await _generator.GenerateAsync(new("a red car"), Options(count: 2), Cancellation);
        var pictures = response.Contents.Cast<DataContent>().Select(content => Picture.Load(content.Data)).ToList();
        Assert.All(pictures, picture => Assert.Equal((72, 64), (picture.Width, picture.Height)));
        using var model = DiffusionModel.Load(TinyModel.Folder);
        var expected = model.Generate(new() { Prompt = "a red car", Width = 72, Height = 64, Steps = 2, Seeds = [5, 6] });
        Assert.Equal(expected.Select(picture => picture.Picture.Rgb.ToArray()), pictures.Select(picture => picture.Rgb.ToArray()));
    }

    [Fact]
    public async Task A_picture_is_edited_where_a_mask_is_white()
    {
        var original = new Picture(72, 64, [.. Enumerable.Range(0, 3 * 72 * 64).Select(i => (byte)(i % 251))]);
        var mask = new Picture(72, 64, [.. Enumerable.Range(0, 3 * 72 * 64).Select(i => (byte)(i / 3 % 72 < 24 ? 255 : 0))]);
        AIContent[] originals = [new DataContent(original.ToPng(), "image/png"), new DataContent(mask.ToPng(), "image/png")];
        var edited = await _generator.GenerateAsync(new("a blue door", originals), Options(), Cancellation);
        var picture = Picture.Load(Assert.IsType<DataContent>(Assert.Single(edited.Contents)).Data);
        Assert.Equal(original[70, 30], picture[70, 30]);
        Assert.NotEqual(original[4, 30], picture[4, 30]);
    }

    [Fact]
    public async Task What_it_does_not_know_is_named()
    {
        var options = Options();
        options.AdditionalProperties!["colour"] = "red";
        var error = await Assert.ThrowsAsync<DiffSynthException>(() => _generator.GenerateAsync(new("a car"), options, Cancellation));
        Assert.Contains("'colour'", error.Message);
        Assert.Contains("steps", error.Message);
        var jpeg = Options();
        jpeg.MediaType = "image/jpeg";
        await Assert.ThrowsAsync<DiffSynthException>(() => _generator.GenerateAsync(new("a car"), jpeg, Cancellation));
        await Assert.ThrowsAsync<DiffSynthException>(() => _generator.GenerateAsync(new("a car", [new TextContent("no picture")]), Options(), Cancellation));
        AIContent[] damaged = [new DataContent(new byte[] { 1, 2, 3 }, "image/png")];
        await Assert.ThrowsAsync<DiffSynthException>(() => _generator.GenerateAsync(new("a car", damaged), Options(), Cancellation));
    }

    [Fact]
    public async Task A_whole_request_can_be_given()
    {
        var options = new ImageGenerationOptions { RawRepresentationFactory = _ => TinyModel.Request with { Steps = 1 } };
        var response = await _generator.GenerateAsync(new("a red car"), options, Cancellation);
        var raw = Assert.IsType<GeneratedPicture>(Assert.Single(response.Contents).RawRepresentation);
        Assert.Equal(7, raw.Seed);
    }

    [Fact]
    public async Task Services_make_one_generator_that_draws()
    {
        await using var services = new ServiceCollection().AddDiffSynthImageGenerator(TinyModel.Folder).BuildServiceProvider();
        var generator = services.GetRequiredService<IImageGenerator>();
        Assert.Same(generator, services.GetRequiredService<IImageGenerator>());
        Assert.Same(generator, generator.GetService(typeof(DiffSynthImageGenerator)));
        Assert.Equal("DiffSynthSharp", Assert.IsType<ImageGeneratorMetadata>(generator.GetService(typeof(ImageGeneratorMetadata))).ProviderName);
        Assert.Single((await generator.GenerateAsync(new("a red car"), Options(), Cancellation)).Contents);
    }

    [Fact]
    public async Task Cancelling_stops_it()
    {
        using var source = new CancellationTokenSource();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _generator.GenerateAsync(new("a red car"), Options(), source.Token));
    }

    private static ImageGenerationOptions Options(int? count = null) => new()
    {
        ImageSize = new(72, 64),
        Count = count,
        AdditionalProperties = new() { ["steps"] = 2, ["seed"] = 5 },
    };
}
