using DiffSynthSharp.Layers;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;

namespace DiffSynthSharp.Tests.Families;

/// <summary>What holds for every family with a transformer, on tiny models in the files that users have.</summary>
[Collection(nameof(LeakTests))]
public sealed class TransformerFamilyTests
{
    private static readonly GenerationRequest s_request = new() { Prompt = "a cat", Negative = "blurry", Guidance = 2, Width = 96, Height = 64, Steps = 3, Seeds = [5] };

    public static TheoryData<string, string> Models() => new()
    {
        { "pipeline-flux-dev", "files" }, { "pipeline-flux-dev", "folder" }, { "pipeline-flux-schnell", "all-in-one" }, { "pipeline-sd3", "bundle-without-t5" }, { "pipeline-sd35", "files" },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void A_picture_is_the_same_alone_in_a_batch_and_in_every_memory_mode(string golden, string model)
    {
        float[]? first = null;
        foreach (var mode in Enum.GetValues<MemoryMode>())
        {
            using var loaded = Load(golden, model, new() { Memory = mode, MemoryBudget = mode == MemoryMode.Low ? 1_000_000 : null });
            var alone = loaded.Generate(s_request)[0].Latents;
            var batch = loaded.Generate(s_request with { Seeds = [4, 5], Batch = 2 });
            Assert.Equal(alone, batch[1].Latents);
            Assert.NotEqual(alone, batch[0].Latents);
            Assert.Equal(first ??= alone, alone);
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void No_tensor_is_left_and_a_job_stops_at_each_border(string golden, string model)
    {
        // Networks that leave memory make parameters anew, which TorchSharp's counter counts up and never down.
        using var loaded = Load(golden, model, new() { Memory = MemoryMode.Full });
        var borders = 0;
        using (BlockBorder.Observe(() => borders++)) loaded.Generate(s_request);
        var before = LiveTensors.Count();
        loaded.Generate(s_request);
        foreach (var stop in new[] { 1, borders / 3, borders - 1 })
        {
            using var cancel = new CancellationTokenSource();
            var crossed = 0;
            using (BlockBorder.Observe(() =>
            {
                if (++crossed == stop) cancel.Cancel();
            }))
                Assert.ThrowsAny<OperationCanceledException>(() => loaded.Generate(s_request, null, cancel.Token));
            Assert.Equal(stop, crossed);
        }
        Assert.Equal(before, LiveTensors.Count());
    }

    [Fact]
    public void A_model_without_a_part_says_which_and_where_to_put_it()
    {
        using var folder = new TemporaryFolder();
        var files = Files("pipeline-flux-dev", "files");
        File.Copy(Path.Combine(files, "flux1-dev.safetensors"), folder["flux1-dev.safetensors"]);
        var message = Assert.Throws<DiffSynthException>(() => DiffusionModel.Load(folder["flux1-dev.safetensors"])).Message;
        Assert.Contains("no CLIP-L text encoder of FLUX.1", message);
        Assert.Contains("--clip-l, or put clip_l.safetensors", message);
        File.Copy(Path.Combine(files, "clip_l.safetensors"), folder["clip_l.safetensors"]);
        Directory.CreateDirectory(folder["text_encoders"]);
        File.Copy(Path.Combine(files, "t5xxl_fp16.safetensors"), folder["text_encoders/t5xxl_fp16.safetensors"]);
        Assert.Contains("no autoencoder", Assert.Throws<DiffSynthException>(() => DiffusionModel.Load(folder["flux1-dev.safetensors"])).Message);
    }

    [Fact]
    public void An_encoder_given_for_another_is_named()
    {
        var files = Files("pipeline-sd35", "files");
        string Part(string name) => Path.Combine(files, "text_encoders", name);
        DiffSynthException Loading(LoadOptions options) => Assert.Throws<DiffSynthException>(() => DiffusionModel.Load(Path.Combine(files, "sd3.5_medium.safetensors"), options));
        Assert.Contains("holds no CLIP-L text encoder, which --clip-l is for", Loading(new() { ClipL = Part("t5xxl_fp16.safetensors") }).Message);
        Assert.Contains("holds no CLIP-G text encoder, which --clip-g is for", Loading(new() { ClipG = Part("clip_l.safetensors") }).Message);
        Assert.Contains("holds no T5 text encoder, which --t5 is for", Loading(new() { T5 = Part("clip_g.safetensors") }).Message);
        var flux = Files("pipeline-flux-dev", "files");
        Assert.Contains("belong to different models", Loading(new() { T5 = Path.Combine(flux, "t5xxl_fp16.safetensors") }).Message);
    }

    [Theory]
    [InlineData("pipeline-flux-schnell", "all-in-one", "is told no guidance")]
    [InlineData("pipeline-sd3", "bundle-without-t5", "is told no guidance")]
    public void A_guidance_that_no_network_takes_is_refused(string golden, string model, string expected)
    {
        using var loaded = Load(golden, model);
        Assert.Contains(expected, Assert.Throws<DiffSynthException>(() => loaded.Generate(s_request with { EmbeddedGuidance = 3 })).Message);
    }

    [Fact]
    public void What_a_family_cannot_do_is_refused()
    {
        using var flux = Load("pipeline-flux-dev", "files");
        void Refused(string expected, GenerationRequest request) => Assert.Contains(expected, Assert.Throws<DiffSynthException>(() => flux.Generate(request)).Message);
        Refused("LoRAs for FLUX.1 are not supported yet", s_request with { Loras = [new("a.safetensors")] });
        Refused("textual inversions for FLUX.1 are not supported", s_request with { Embeddings = [new("a.safetensors")] });
        Refused("tile its steps", s_request with { Tiles = new(8, 4) { Network = TiledNetwork.Blocks } });
        Refused("has no blocks that it could leave out", s_request with { SkipLayers = new([1]) });
        Refused("The nearest that fits is 96x64", s_request with { Width = 100 });
        using var sd3 = Load("pipeline-sd35", "files");
        Assert.Contains("blocks 0 …", Assert.Throws<DiffSynthException>(() => sd3.Generate(s_request with { SkipLayers = new([99]) })).Message);
        Assert.Contains("can't be skipped", Assert.Throws<DiffSynthException>(() => sd3.Generate(s_request with { CacheThreshold = 0.2 })).Message);
    }

    [Fact]
    public void Weights_in_a_prompt_change_the_picture_of_every_encoder()
    {
        using var sd3 = Load("pipeline-sd35", "files");
        Assert.NotEqual(sd3.Generate(s_request)[0].Latents, sd3.Generate(s_request with { Prompt = "a (cat:1.4)" })[0].Latents);
        Assert.NotEqual(sd3.Generate(s_request)[0].Latents, sd3.Generate(s_request with { SecondPrompt = "a dog" })[0].Latents);
    }

    private static string Files(string golden, string model) => PipelineModels.Folder(GoldenFolder.All().First(folder => folder.Name == golden), model);

    private static DiffusionModel Load(string golden, string model, LoadOptions? options = null)
    {
        var folder = GoldenFolder.All().First(found => found.Name == golden);
        var load = folder.Json.GetProperty("models").GetProperty(model).GetProperty("load");
        string? Named(string part) => load.TryGetProperty(part, out var path) ? Path.GetFullPath(Path.Combine(Files(golden, model), path.GetString()!)) : null;
        return DiffusionModel.Load(Named("model")!, (options ?? new()) with { Vae = Named("vae"), ClipL = Named("clip_l"), ClipG = Named("clip_g"), T5 = Named("t5"), Tokenizers = Named("tokenizers") });
    }
}
