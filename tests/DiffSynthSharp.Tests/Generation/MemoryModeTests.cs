using DiffSynthSharp.Families;
using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Control;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Generation;

/// <summary>Stable Diffusion 1.x with its weights kept in every way. The starter model is the smallest whose layers are large enough to be streamed.</summary>
[Collection(nameof(LeakTests))]
public sealed class MemoryModeTests : IDisposable
{
    private const long SmallBudget = 1 << 20;

    private static readonly string s_starter = Path.Combine(Repository.Root, "models", "starter");
    private static readonly Picture s_photo = new(64, 64, [.. Enumerable.Range(0, 3 * 64 * 64).Select(i => (byte)(i / 3 % 64 < 32 ? 20 : 220))]);
    private static readonly GenerationRequest s_request = new() { Prompt = "a red car by the sea", Width = 64, Height = 64, Steps = 2, Seeds = [7] };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static DiffusionModel Load(MemoryMode mode) => DiffusionModel.Load(s_starter, new() { Memory = mode, MemoryBudget = mode == MemoryMode.Low ? SmallBudget : null });

    private static float[] Latents(MemoryMode mode, params GenerationRequest[] requests)
    {
        using var model = Load(mode);
        return [.. requests.SelectMany(request => model.Generate(request)).SelectMany(picture => picture.Latents.Concat(picture.Picture.Rgb.ToArray().Select(value => (float)value)))];
    }

    [Fact]
    public void A_picture_is_the_same_bit_for_bit_in_every_mode()
    {
        GenerationRequest[] requests = [s_request, s_request with { Init = new(s_photo, 0.8), HighRes = [new(96, 96)] }, s_request with { Tiles = new(8, 4) { Network = TiledNetwork.Steps } }];
        var expected = Latents(MemoryMode.Full, requests);
        Assert.Equal(expected, Latents(MemoryMode.Balanced, requests));
        Assert.Equal(expected, Latents(MemoryMode.Low, requests));
    }

    [Fact]
    public void LoRAs_and_ControlNets_work_on_streamed_layers()
    {
        WriteLora(_folder["lora.safetensors"]);
        WriteControlNet(_folder["control.safetensors"]);
        var adapted = s_request with { Loras = [new(_folder["lora.safetensors"], 0.7)], Controls = [new(_folder["control.safetensors"], s_photo) { Scale = 0.5 }] };
        var expected = Latents(MemoryMode.Full, adapted, s_request);
        Assert.Equal(expected, Latents(MemoryMode.Low, adapted, s_request));
        Assert.Equal(Latents(MemoryMode.Full, s_request), expected[(expected.Length / 2)..]);
        Assert.NotEqual(expected[..(expected.Length / 2)], expected[(expected.Length / 2)..]);
    }

    [Fact]
    public void Networks_take_turns_in_mode_low_and_stay_in_the_others()
    {
        using var low = Load(MemoryMode.Low);
        var (unet, text) = (low.Family.AdaptedNetworks[0].Network, low.Family.AdaptedNetworks[1].Network);
        Assert.Contains(Leaves(unet), leaf => leaf.Holds("weight"));
        low.Generate(s_request, new WhenStepping(() =>
        {
            Assert.True(IsEmpty(text));
            Assert.False(IsEmpty(unet));
        }));
        Assert.True(IsEmpty(unet));
        using var full = Load(MemoryMode.Full);
        full.Generate(s_request);
        Assert.All(full.Family.AdaptedNetworks, network => Assert.False(IsEmpty(network.Network)));
        Assert.All(Leaves(full.Family.AdaptedNetworks[0].Network), leaf => Assert.False(leaf.Holds("weight")));
    }

    [Fact]
    public void A_job_that_is_cancelled_while_weights_come_back_can_be_followed_by_another()
    {
        using var model = Load(MemoryMode.Low);
        var expected = model.Generate(s_request)[0].Latents;
        for (var border = 1; border < 700; border += 60)
        {
            using var source = new CancellationTokenSource();
            var crossed = 0;
            using (BlockBorder.Observe(() => { if (++crossed == border) source.Cancel(); }))
                Assert.ThrowsAny<OperationCanceledException>(() => model.Generate(s_request, null, source.Token));
            Assert.Equal(expected, model.Generate(s_request)[0].Latents);
        }
    }

    private static IEnumerable<Leaf> Leaves(nn.Module network) => network.modules().OfType<Leaf>();

    private static bool IsEmpty(nn.Module network) => network.parameters().All(parameter => parameter.device_type == TorchSharp.DeviceType.META);

    // A layer of each kind, those that are streamed among them.
    private static void WriteLora(string path)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        Tensor Random(params long[] shape) => rand(shape, generator: generator).sub_(0.5f).mul_(0.2f);
        var tensors = new List<(string, Tensor)>();
        using var model = Load(MemoryMode.Low);
        var (unet, kinds) = (model.Family.AdaptedNetworks[0].Network, new HashSet<string>());
        foreach (var (name, module) in unet.named_modules())
        {
            if (module is not (Linear or Conv2d) || !kinds.Add($"{module.GetType().Name}{((Leaf)module).Holds("weight")}")) continue;
            var shape = ((Leaf)module).ShapeOf("weight")!;
            var named = "lora_unet_" + name.Replace('.', '_');
            tensors.Add(($"{named}.lora_down.weight", Random([4, .. shape[1..]])));
            tensors.Add(($"{named}.lora_up.weight", Random([shape[0], 4, .. shape[2..].Select(_ => 1L)])));
        }
        SafetensorsWriter.Write(path, tensors);
    }

    private static void WriteControlNet(string path)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        using var files = ModelFiles.Open(s_starter, new());
        using var network = new ControlNet(new(UNetConfig.Detect(files.Find(StableDiffusionFamily.UNetKind)!.Weights.Shapes), [16, 32, 96, 256]));
        SafetensorsWriter.Write(path, network.named_parameters().Select(parameter => ("control_model." + parameter.name, rand(parameter.parameter.shape, generator: generator).sub_(0.5f).mul_(0.1f))));
    }

    private sealed class WhenStepping(Action check) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value)
        {
            if (value.Phase == GenerationPhase.Step) check();
        }
    }
}
