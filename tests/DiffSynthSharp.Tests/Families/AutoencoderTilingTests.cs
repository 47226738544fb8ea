using DiffSynthSharp.Tests.Generation;
using TorchSharp;

namespace DiffSynthSharp.Tests.Families;

/// <summary>Where memory is short the autoencoder works in tiles unasked, and says so.</summary>
[Collection(nameof(LeakTests))]
public sealed class AutoencoderTilingTests
{
    private const string Said = "the autoencoder in tiles for want of memory";

    private static readonly GenerationRequest s_request = new()
    {
        Prompt = "a cat",
        Width = 784,
        Height = 800,
        Steps = 1,
        Guidance = 1,
        Init = new(new(784, 800, [.. Enumerable.Range(0, 3 * 784 * 800).Select(i => (byte)(i / 3 % 784 / 4))]), 0),
    };

    [Fact]
    public void A_large_picture_in_mode_low_is_the_one_that_tiles_of_that_size_make()
    {
        using var file = new TemporaryFile(".safetensors");
        RandomModels.Write("flux", file.Path, torch.ScalarType.Float16);
        var (low, lines) = Made(file.Path, MemoryMode.Low, s_request);
        Assert.Contains(lines, line => line.Contains(Said, StringComparison.Ordinal));
        var (tiled, tiledLines) = Made(file.Path, MemoryMode.Full, s_request with { Tiles = new(64, 48) { Network = TiledNetwork.None } });
        Assert.DoesNotContain(tiledLines, line => line.Contains(Said, StringComparison.Ordinal));
        Assert.Equal(tiled.Latents, low.Latents);
        Assert.True(tiled.Picture.Rgb.SequenceEqual(low.Picture.Rgb));
    }

    [Theory]
    [InlineData("flux")]
    [InlineData("sd3")]
    [InlineData("sd15")]
    public void Only_large_maps_in_mode_low_are_cut(string family)
    {
        using var file = new TemporaryFile(".safetensors");
        RandomModels.Write(family, file.Path, torch.ScalarType.Float16);
        foreach (var mode in Enum.GetValues<MemoryMode>())
        {
            using var model = Load(file.Path, mode);
            Assert.Null(model.Family.AutoencoderTiles((768, 768)));
            Assert.Equal(mode == MemoryMode.Low, model.Family.AutoencoderTiles((1024, 1024)) is not null);
        }
    }

    private static DiffusionModel Load(string path, MemoryMode mode)
        => DiffusionModel.Load(path, new() { Memory = mode, MemoryBudget = mode == MemoryMode.Low ? 140_000_000 : null, Tokenizers = RandomModels.Tokenizers });

    private static (GeneratedPicture Picture, List<string> Lines) Made(string path, MemoryMode mode, GenerationRequest request)
    {
        using var model = Load(path, mode);
        var lines = new Lines();
        return (model.Generate(request, lines)[0], lines.All);
    }

    private sealed class Lines : IProgress<GenerationProgress>
    {
        public List<string> All { get; } = [];

        public void Report(GenerationProgress value)
        {
            if (value.Message is { } message) All.Add(message);
        }
    }
}
