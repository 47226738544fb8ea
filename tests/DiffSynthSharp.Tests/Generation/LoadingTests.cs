using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Generation;

public sealed class LoadingTests
{
    [Fact]
    public void A_folder_and_its_parts_are_described_without_loading()
    {
        var description = ModelInspector.Inspect(TinyModel.Folder);
        Assert.Equal("Stable Diffusion 1.x", description.Family);
        Assert.Equal(["text encoder", "U-Net", "autoencoder"], description.Parts.Select(part => part.Name));
        Assert.Empty(description.Missing);
        Assert.EndsWith("scheduler_config.json", description.Scheduler);
    }

    [Fact]
    public void Loading_stops_when_it_is_cancelled()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => DiffusionModel.Load(TinyModel.Folder, cancellation: source.Token));
    }

    [Theory]
    [InlineData("flux")]
    [InlineData("sd3")]
    [InlineData("sd15")]
    public void A_load_that_is_cancelled_under_way_reads_no_further_tensor_and_keeps_no_memory(string family)
    {
        using var file = new TemporaryFile(".safetensors");
        RandomModels.Write(family, file.Path, ScalarType.Float16);
        LiveTensors.Count();
        var before = CachingAllocator.LiveBytes;
        foreach (var mode in Enum.GetValues<MemoryMode>())
        {
            using var source = new CancellationTokenSource();
            var loaded = 0;
            var progress = new ImmediateProgress(report =>
            {
                if (report is { Message: null } && ++loaded == 20) source.Cancel();
            });
            Assert.ThrowsAny<OperationCanceledException>(() => DiffusionModel.Load(file.Path, new() { Tokenizers = RandomModels.Tokenizers, Memory = mode }, progress, source.Token));
            Assert.Equal(20, loaded);
        }
        Assert.InRange(CachingAllocator.LiveBytes, 0, before);
    }

    private sealed class ImmediateProgress(Action<GenerationProgress> report) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => report(value);
    }

    [Fact]
    public void A_missing_file_is_named() => Assert.Contains("no-such-model", Refused("no-such-model.safetensors"));

    [Fact]
    public void A_folder_without_a_model_is_refused()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("unet, vae and text_encoder", Assert.Throws<DiffSynthException>(() => ModelInspector.Inspect(folder.Path)).Message);
    }

    [Fact]
    public void A_missing_tensor_is_named() => Assert.Contains("'model.diffusion_model.out.2.bias'", RefusedWithout("model.diffusion_model.out.2.bias"));

    [Fact]
    public void A_missing_network_is_named() => Assert.Contains("no text encoder", RefusedWithout("cond_stage_model."));

    [Fact]
    public void An_extra_tensor_is_named()
        => Assert.Contains("'time_embed.9.weight'", RefusedAfter(tensors => tensors["model.diffusion_model.time_embed.9.weight"] = zeros(2)));

    [Fact]
    public void A_misshapen_tensor_is_named_with_both_shapes()
    {
        var message = RefusedAfter(tensors => tensors["first_stage_model.decoder.conv_out.bias"] = zeros(5));
        Assert.Contains("decoder.conv_out.bias", message);
        Assert.Contains("[5], expected [3]", message);
    }

    [Fact]
    public void An_unknown_device_is_refused()
        => Assert.Contains("cpu, cuda", Assert.Throws<DiffSynthException>(() => DiffusionModel.Load(TinyModel.Folder, new() { Device = "tpu" })).Message);

    [Fact]
    public void Another_autoencoder_takes_the_models_place()
    {
        using var own = DiffusionModel.Load(TinyModel.SingleFile);
        using var other = DiffusionModel.Load(TinyModel.SingleFile, new() { Vae = Path.Combine(TinyModel.Folder, "vae") });
        var (first, second) = (own.Generate(TinyModel.Request)[0], other.Generate(TinyModel.Request)[0]);
        Assert.Equal(first.Latents, second.Latents);
        Assert.NotEqual(first.Picture.Rgb.ToArray(), second.Picture.Rgb.ToArray());
    }

    private static string Refused(string path) => Assert.Throws<DiffSynthException>(() => DiffusionModel.Load(path)).Message;

    private static string RefusedWithout(string prefix) => RefusedAfter(tensors =>
    {
        foreach (var name in tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).ToList()) tensors.Remove(name);
    });

    private static string RefusedAfter(Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var source = WeightFile.Open(TinyModel.SingleFile);
        var tensors = source.Entries.Keys.ToDictionary(name => name, source.Read);
        change(tensors);
        SafetensorsWriter.Write(folder["model.safetensors"], tensors.Select(tensor => (tensor.Key, tensor.Value)));
        var tokenizers = Path.Combine(Path.GetDirectoryName(TinyModel.SingleFile)!, "tokenizers");
        return Assert.Throws<DiffSynthException>(() => DiffusionModel.Load(folder["model.safetensors"], new() { Tokenizers = tokenizers })).Message;
    }
}
