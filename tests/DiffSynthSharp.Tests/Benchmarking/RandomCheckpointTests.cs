using DiffSynthSharp.Benchmarking;
using DiffSynthSharp.Families;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Tests.Models;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Benchmarking;

public sealed class RandomCheckpointTests
{
    private static readonly ClipTextConfig s_clip = new(1000, 128, 512, 2, 2);

    // Stable Diffusion 1.x in small.
    private static readonly PublishedArchitecture s_small = new("small",
        new PublishedNetwork("cond_stage_model.transformer.", () => new ClipTextEncoder(s_clip), ClipTextKeys.For) { Besides = [new("text_model.embeddings.position_ids", [1, 77], 0, 0) { Counts = true }] },
        new PublishedNetwork("model.diffusion_model.", () => new UNet(new(4, 4, [new(64, 1), new(128, 1), new(256, 0)], 2, 128)), UNetKeys.For),
        new PublishedNetwork("first_stage_model.", () => new AutoencoderKl(new([32, 64, 64, 64], 1, 4)), AutoencoderKeys.For));

    public static TheoryData<string> Names() => [.. RandomCheckpoint.Names];

    // What Stability published without text encoders has no list of its own.
    private static Dictionary<string, TensorEntry> Published(string architecture) => architecture switch
    {
        "flux-dev" => Manifests.Read("flux1-dev"),
        "flux-schnell" => Manifests.Read("flux1-schnell"),
        "sd3-medium" => Manifests.Read("sd3-medium-clips").Where(row => !row.Key.StartsWith("text_encoders.", StringComparison.Ordinal)).ToDictionary(),
        "sd3.5-medium" => Manifests.Read("sd35-medium"),
        "sd3.5-large" => Manifests.Read("sd35-large"),
        _ => Manifests.Read(architecture),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void A_file_of_random_weights_has_the_published_names_and_shapes(string architecture)
    {
        var published = Published(architecture);
        var tensors = PublishedArchitectures.All.Single(one => one.Name == architecture).Tensors();
        Assert.Equal(published.Values.Select(row => (row.Name, row.ShapeText, !row.Type.IsFloat())).Order(),
            tensors.Select(tensor => (tensor.Name, new TensorEntry(tensor.Name, StoredType.F32, tensor.Shape).ShapeText, tensor.Counts)).Order());
    }

    [Theory]
    [InlineData("sd15", 186)]
    [InlineData("t5xxl", 49)]
    [InlineData("clip-g", 65)]
    [InlineData("flux-dev", 152)]
    [InlineData("sd3.5-medium", 174)]
    public void Only_the_gains_of_norms_are_one(string architecture, int norms)
    {
        var tensors = PublishedArchitectures.All.Single(one => one.Name == architecture).Tensors();
        var gains = tensors.Where(tensor => tensor.Middle == 1).ToList();
        Assert.Equal(norms, gains.Count);
        Assert.All(gains, gain => Assert.True(gain is { Shape.Length: 1, Spread: 0 } && !gain.Name.EndsWith("bias", StringComparison.Ordinal)));
        Assert.All(tensors.Except(gains), tensor => Assert.Equal(!tensor.Counts, tensor is { Middle: 0, Spread: > 0 and <= 0.5 }));
    }

    [Theory]
    [InlineData("f32", "F32")]
    [InlineData("f16", "F16")]
    [InlineData("bf16", "BF16")]
    [InlineData("fp8", "F8_E4M3")]
    public void What_was_written_runs_and_overflows_nowhere(string type, string stored)
    {
        Assert.Contains(type, RandomCheckpoint.Types);
        using var file = new TemporaryFile(".safetensors");
        var told = 0;
        RandomCheckpoint.Write(s_small, file.Path, StoredTypes.Find(stored)!.Value, new Immediate(report => told = report.Done));
        using (var source = WeightSource.OpenFile(file.Path))
        {
            Assert.Equal((told, stored), (source.Entries.Count, source.Entries["model.diffusion_model.out.2.weight"].TypeName));
            using var ids = source.Read("cond_stage_model.transformer.text_model.embeddings.position_ids");
            Assert.Equal(Enumerable.Range(0, 77).Select(i => (long)i), ids.data<long>().ToArray());
        }
        using var family = DiffusionModel.LoadFamily(file.Path, new(), null, CancellationToken.None, isMeasured: true).Family;
        using var inference = inference_mode(true);
        using var scope = NewDisposeScope();
        var latents = randn([1, 4, 8, 8]);
        var picture = family.DecodeLatents(latents, null);
        Assert.True(picture.isfinite().all().item<bool>());
        Assert.InRange(picture.std().item<float>(), 1e-4, 1e2);
    }

    [Fact]
    public void A_cancelled_file_leaves_nothing_behind()
    {
        using var folder = new TemporaryFolder();
        using var stop = new CancellationTokenSource();
        var stopper = new Immediate(report => { if (report.Done == 3) stop.Cancel(); });
        Assert.Throws<OperationCanceledException>(() => RandomCheckpoint.Write(s_small, folder["small.safetensors"], StoredType.F16, stopper, stop.Token));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_weight_larger_than_what_is_drawn_repeats_it()
    {
        var tensor = new PublishedTensor("weight", [3, 7_000_000], 0, 0.5);
        using var numbers = new RandomNumbers([tensor], StoredType.BF16);
        using var scope = NewDisposeScope();
        var flat = numbers.For(tensor).flatten();
        Assert.Equal(21_000_000, flat.shape[0]);
        Assert.True(flat.narrow(0, 0, 21_000_000 - (1 << 24)).eq(flat.narrow(0, 1 << 24, 21_000_000 - (1 << 24))).all().item<bool>());
        Assert.InRange(flat.abs().max().to(ScalarType.Float32).item<float>(), 0.49f, 0.5f);
    }

    [Fact]
    public void Weights_are_drawn_by_what_layers_do_with_them()
    {
        using var norm = new LayerNorm(8);
        using var linear = new Linear(16, 8, bias: false);
        Assert.Equal((1.0, 0.0), RandomWeights.RangeOf(norm, "weight", [8]));
        Assert.Equal((0.0, 0.01), RandomWeights.RangeOf(norm, "bias", [8]));
        Assert.Equal((0.0, 0.25), RandomWeights.RangeOf(linear, "weight", [8, 16]));
    }

    [Theory]
    [InlineData("sd99", "bf16", "There is no architecture 'sd99' to write with random weights. Known: sd15, flux-dev")]
    [InlineData("sd15", "q4", "There is no element type 'q4' to write. Known: bf16, f16, fp8, f32.")]
    public void An_unknown_name_is_refused(string architecture, string type, string message)
        => Assert.StartsWith(message, Assert.Throws<DiffSynthException>(() => RandomCheckpoint.Write(architecture, "never.safetensors", type)).Message);

    private sealed class Immediate(Action<GenerationProgress> told) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => told(value);
    }
}
