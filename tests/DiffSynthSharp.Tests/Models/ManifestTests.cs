using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.Control;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Models;

/// <summary>Full-size networks without memory against the tensor lists of published checkpoints: every row consumed exactly once.</summary>
public sealed class ManifestTests
{
    private static readonly string[] s_outsideTheModel =
    [
        "alphas_cumprod", "alphas_cumprod_prev", "betas", "log_one_minus_alphas_cumprod", "model_ema.decay", "model_ema.num_updates", "posterior_log_variance_clipped", "posterior_mean_coef1",
        "posterior_mean_coef2", "posterior_variance", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod",
    ];

    [Theory]
    [InlineData("sd15-unet")]
    [InlineData("sd15-unet-diffusers")]
    public void Every_tensor_of_a_published_unet_is_consumed_once(string manifest)
    {
        var weights = Component(Read(manifest), ["model.diffusion_model.", ""], UNetKeys.For)!;
        var config = UNetConfig.Detect(weights.Shapes);
        Assert.Equal(new[] { (320L, 1), (640L, 1), (1280L, 1), (1280L, 0) }, config.Levels.Select(level => (level.Channels, level.Depth)));
        Assert.Equal((4L, 4L, 2, 768L, 8L, 1), (config.InputChannels, config.OutputChannels, config.BlocksPerLevel, config.ContextWidth, config.Heads, config.MiddleDepth));
        ConsumesAll(new UNet(config), weights, leftOut: 0);
    }

    [Theory]
    [InlineData("sd15-controlnet")]
    [InlineData("sd15-controlnet-diffusers")]
    public void Every_tensor_of_a_published_controlnet_is_consumed_once(string manifest)
    {
        var weights = Component(Read(manifest), ControlNetKeys.Prefixes, ControlNetKeys.For)!;
        var config = ControlNetConfig.Detect(weights.Shapes);
        Assert.Equal([16, 32, 96, 256], config.HintChannels);
        Assert.Equal((8, 768L, 4), (config.Reduction, config.UNet.ContextWidth, config.UNet.Levels.Count));
        ConsumesAll(new ControlNet(config), weights, leftOut: 0);
    }

    [Theory]
    [InlineData("sd15-vae")]
    [InlineData("sd15-vae-diffusers")]
    [InlineData("sdxl-vae-diffusers")]
    public void Every_tensor_of_a_published_autoencoder_is_consumed_once(string manifest)
    {
        var weights = Component(Read(manifest), ["first_stage_model.", ""], AutoencoderKeys.For)!;
        var config = AutoencoderConfig.Detect(weights.Shapes);
        Assert.Equal([128, 256, 512, 512], config.Channels);
        Assert.Equal((2, 4L, 8), (config.BlocksPerLevel, config.LatentChannels, config.Reduction));
        ConsumesAll(new AutoencoderKl(config), weights, leftOut: 0);
    }

    [Theory]
    [InlineData("sd15-clip", 1)]
    [InlineData("sd15-text-encoder-diffusers", 1)]
    [InlineData("clip-l", 0)]
    public void Every_tensor_of_a_published_text_encoder_is_consumed_once(string manifest, int leftOut)
    {
        var weights = Component(Read(manifest), ClipTextKeys.Prefixes, ClipTextKeys.For)!;
        var config = ClipTextConfig.Detect(weights.Shapes);
        Assert.Equal((49408L, 768L, 3072L, 12, 12L, 77L), (config.Vocabulary, config.Width, config.Inner, config.Layers, config.Heads, config.Positions));
        ConsumesAll(new ClipTextEncoder(config), weights, leftOut);
    }

    [Fact]
    public void The_picture_tower_beside_a_text_encoder_is_left_out()
    {
        var rows = Read("clip-vit-large-patch14");
        var weights = Component(rows, ClipTextKeys.Prefixes, ClipTextKeys.For)!;
        ConsumesAll(new ClipTextEncoder(ClipTextConfig.Detect(weights.Shapes)), weights, rows.Count(row => row.Key.StartsWith("vision_model.", StringComparison.Ordinal)) + 4 - 1);
    }

    [Theory]
    [InlineData("sd15", 0)]
    [InlineData("sd15-published", 14)]
    public void A_whole_checkpoint_is_its_three_networks_and_known_extras(string manifest, int extras)
    {
        var rows = Read(manifest);
        ComponentWeights[] parts =
        [
            Component(rows, ClipTextKeys.Prefixes, ClipTextKeys.For)!, Component(rows, ["model.diffusion_model."], UNetKeys.For)!, Component(rows, ["first_stage_model."], AutoencoderKeys.For)!,
        ];
        var consumed = parts.SelectMany(part => part.Entries).Select(entry => entry.Name).ToList();
        Assert.Equal(consumed.Count, consumed.Distinct().Count());
        var rest = rows.Keys.Except(consumed).Order().ToList();
        Assert.Equal(extras, rest.Count);
        Assert.All(rest, name => Assert.Contains(name, s_outsideTheModel));
    }

    private static void ConsumesAll(nn.Module network, ComponentWeights weights, int leftOut)
    {
        using (network)
        {
            var parameters = network.named_parameters().Select(parameter => (parameter.name, parameter.parameter.shape)).ToList();
            WeightLoader.Verify(parameters, weights, "network");
            Assert.Empty(weights.Unknown);
            Assert.Equal(leftOut, weights.LeftOut.Count);
            var rows = parameters.SelectMany(parameter => weights.TryGet(parameter.name, out var found) ? found.Pieces : []).ToList();
            Assert.Equal(rows.Count, rows.Distinct().Count());
            Assert.Equal(weights.Entries.Sum(entry => entry.Elements), rows.Sum(row => row.Entry.Elements / Math.Max(1, row.Entry.Shape.FirstOrDefault(1)) * Math.Max(1, row.Rows)) + weights.Entries.Where(entry => weights.LeftOut.Contains(entry.Name)).Sum(entry => entry.Elements));
        }
    }

    private static ComponentWeights? Component(Dictionary<string, TensorEntry> rows, IReadOnlyList<string> prefixes, Func<IReadOnlyCollection<string>, KeyMap?> map)
        => prefixes.Select(prefix => ComponentWeights.Find(new Manifest(rows), prefix, map)).FirstOrDefault(found => found is not null);

    private static Dictionary<string, TensorEntry> Read(string manifest) => File.ReadLines(Repository.Fixture($"manifests/{manifest}.tsv"))
        .Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('\t'))
        .ToDictionary(cells => cells[0], cells => new TensorEntry(cells[0], StoredTypes.Find(cells[2])!.Value, cells[1] == "scalar" ? [] : [.. cells[1].Split('x').Select(long.Parse)]));

    private sealed class Manifest(Dictionary<string, TensorEntry> rows) : ITensorSource
    {
        public string Path => "manifest";

        public IReadOnlyDictionary<string, TensorEntry> Entries => rows;

        public Tensor Read(string name) => throw new InvalidOperationException("A manifest has no data.");

        public StoredRows Store(string name, float[]? scale = null) => throw new InvalidOperationException("A manifest has no data.");
    }
}
