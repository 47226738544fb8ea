using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.Control;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.Transformers;
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

    private static readonly string[] s_besideTheTransformer = ["first_stage_model.", "text_encoders.clip_l.", "text_encoders.clip_g.", "text_encoders.t5xxl."];

    [Theory]
    [InlineData("sd15-unet")]
    [InlineData("sd15-unet-diffusers")]
    public void Every_tensor_of_a_published_unet_is_consumed_once(string manifest)
    {
        var weights = Component(Manifests.Read(manifest), ["model.diffusion_model.", ""], UNetKeys.For)!;
        var config = UNetConfig.Detect(weights.Shapes);
        Assert.Equal(new[] { (320L, 1), (640L, 1), (1280L, 1), (1280L, 0) }, config.Levels.Select(level => (level.Channels, level.Depth)));
        Assert.Equal((4L, 4L, 2, 768L, 8L, 1), (config.InputChannels, config.OutputChannels, config.BlocksPerLevel, config.ContextWidth, config.Heads, config.MiddleDepth));
        ConsumesAll(new UNet(config), weights, leftOut: 0);
    }

    [Theory]
    [InlineData("sd3-medium-clips", 24, 1536, 192, false, 0)]
    [InlineData("sd3-medium-clips-t5", 24, 1536, 192, false, 0)]
    [InlineData("sd3-medium-transformer-diffusers", 24, 1536, 192, false, 0)]
    [InlineData("sd35-large", 38, 2432, 192, true, 0)]
    [InlineData("sd35-large-transformer-diffusers", 38, 2432, 192, true, 0)]
    [InlineData("sd35-medium", 24, 1536, 384, true, 13)]
    [InlineData("sd35-medium-transformer-diffusers", 24, 1536, 384, true, 13)]
    public void Every_tensor_of_a_published_stable_diffusion_3_transformer_is_consumed_once(string manifest, int depth, long width, long positions, bool isNormed, int dual)
    {
        var rows = Manifests.Read(manifest);
        var weights = Component(rows, MmDitKeys.Prefixes, MmDitKeys.For)!;
        var config = MmDitConfig.Detect(weights);
        Assert.Equal(new MmDitConfig(16, 2, depth, width, 64, 4 * width, positions, 4096, 2048, 256, isNormed, dual), config);
        ConsumesAll(new MmDit(config), weights, leftOut: 0);
        var others = rows.Keys.Except(weights.Entries.Select(entry => entry.Name));
        Assert.All(others, name => Assert.Contains(s_besideTheTransformer, prefix => name.StartsWith(prefix, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("sd15-controlnet")]
    [InlineData("sd15-controlnet-diffusers")]
    public void Every_tensor_of_a_published_controlnet_is_consumed_once(string manifest)
    {
        var weights = Component(Manifests.Read(manifest), ControlNetKeys.Prefixes, ControlNetKeys.For)!;
        var config = ControlNetConfig.Detect(weights.Shapes);
        Assert.Equal([16, 32, 96, 256], config.HintChannels);
        Assert.Equal((8, 768L, 4), (config.Reduction, config.UNet.ContextWidth, config.UNet.Levels.Count));
        ConsumesAll(new ControlNet(config), weights, leftOut: 0);
    }

    [Theory]
    [InlineData("flux1-dev", true)]
    [InlineData("flux1-dev-diffusers", true)]
    [InlineData("flux1-schnell", false)]
    [InlineData("flux1-schnell-diffusers", false)]
    public void Every_tensor_of_a_published_flux_transformer_is_consumed_once(string manifest, bool guidance)
    {
        var weights = Component(Manifests.Read(manifest), FluxKeys.Prefixes, FluxKeys.For)!;
        var config = FluxConfig.Detect(weights.Shapes);
        Assert.Equal(new FluxConfig(64, 64, 3072, 128, 12288, 4096, 768, 256, 19, 38, guidance), config);
        Assert.Equal((24L, 16L), (config.Heads, config.LatentChannels));
        Assert.Equal([16, 56, 56], config.RotaryAxes);
        ConsumesAll(new FluxTransformer(config), weights, leftOut: 0);
    }

    [Fact]
    public void Flex_2_has_flux_s_names_and_is_told_apart()
    {
        var config = FluxConfig.Detect(Component(Manifests.Read("flex2-preview"), FluxKeys.Prefixes, FluxKeys.For)!.Shapes);
        Assert.Equal((196L, 64L, 8, 38), (config.InputChannels, config.OutputChannels, config.DoubleBlocks, config.SingleBlocks));
        Assert.Contains("Flex.2", Assert.Throws<DiffSynthException>(() => new FluxTransformer(config)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("flux-ae")]
    [InlineData("flux-vae-diffusers")]
    public void Every_tensor_of_a_published_16_channel_autoencoder_is_consumed_once(string manifest)
    {
        var weights = Component(Manifests.Read(manifest), ["first_stage_model.", ""], AutoencoderKeys.For)!;
        var config = AutoencoderConfig.Detect(weights.Shapes);
        Assert.Equal([128, 256, 512, 512], config.Channels);
        Assert.Equal((2, 16L, 8, false), (config.BlocksPerLevel, config.LatentChannels, config.Reduction, config.MixesLatents));
        ConsumesAll(new AutoencoderKl(config), weights, leftOut: 0);
    }

    [Theory]
    [InlineData("sd15-vae")]
    [InlineData("sd15-vae-diffusers")]
    [InlineData("sdxl-vae-diffusers")]
    public void Every_tensor_of_a_published_autoencoder_is_consumed_once(string manifest)
    {
        var weights = Component(Manifests.Read(manifest), ["first_stage_model.", ""], AutoencoderKeys.For)!;
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
        var weights = Component(Manifests.Read(manifest), ClipTextKeys.Prefixes, ClipTextKeys.For)!;
        var config = ClipTextConfig.Detect(weights.Shapes);
        Assert.Equal((49408L, 768L, 3072L, 12, 12L, 77L), (config.Vocabulary, config.Width, config.Inner, config.Layers, config.Heads, config.Positions));
        ConsumesAll(new ClipTextEncoder(config), weights, leftOut);
    }

    [Theory]
    [InlineData("clip-g", 0)]
    [InlineData("sdxl-text-encoder-2-diffusers", 0)]
    [InlineData("sdxl-conditioner", 1)]
    public void Every_tensor_of_a_published_clip_g_is_consumed_once(string manifest, int leftOut)
    {
        var weights = Component(Manifests.Read(manifest), ClipTextKeys.BigPrefixes, ClipTextKeys.For)!;
        var config = ClipTextConfig.Detect(weights);
        Assert.Equal((49408L, 1280L, 5120L, 32, 20L, 77L), (config.Vocabulary, config.Width, config.Inner, config.Layers, config.Heads, config.Positions));
        Assert.Equal((false, 1280L), (config.QuickGelu, config.Projection));
        ConsumesAll(new ClipTextEncoder(config), weights, leftOut);
    }

    [Theory]
    [InlineData("sdxl-conditioner", 0, 1)]
    [InlineData("sd3-text-encoder-diffusers", 768, 0)]
    public void Every_tensor_of_a_published_clip_l_beside_clip_g_is_consumed_once(string manifest, long projection, int leftOut)
    {
        var weights = Component(Manifests.Read(manifest), ClipTextKeys.Prefixes, ClipTextKeys.For)!;
        var config = ClipTextConfig.Detect(weights);
        Assert.Equal((true, projection), (config.QuickGelu, config.Projection));
        ConsumesAll(new ClipTextEncoder(config), weights, leftOut);
    }

    [Theory]
    [InlineData("t5xxl", 1)]
    [InlineData("flux-text-encoder-2", 0)]
    public void Every_tensor_of_a_published_t5_is_consumed_once(string manifest, int leftOut)
    {
        var weights = Component(Manifests.Read(manifest), T5Keys.Prefixes, T5Keys.For)!;
        var config = T5Config.Detect(weights);
        Assert.Equal(new T5Config(32128, 4096, 10240, 24, 64, 64), config);
        ConsumesAll(new T5Encoder(config), weights, leftOut);
    }

    [Theory]
    [InlineData("encoder.block.11.layer.0.SelfAttention.k.weight", "lacks one tensor: 'encoder.block.11.layer.0.SelfAttention.k.weight'")]
    [InlineData("encoder.block.11.", "lacks 9 tensors: 'encoder.block.11.layer.0.")]
    [InlineData("encoder.block.0.", "lacks the tensor 'encoder.block.0.layer.0.SelfAttention.")]
    [InlineData("shared.", "lacks the tensor 'shared.weight'")]
    public void A_t5_with_a_hole_names_it(string missing, string reason)
    {
        var rows = Manifests.Read("flux-text-encoder-2");
        foreach (var name in rows.Keys.Where(name => name.StartsWith(missing, StringComparison.Ordinal)).ToList()) rows.Remove(name);
        var weights = Component(rows, T5Keys.Prefixes, T5Keys.For)!;
        Assert.Contains(reason, Assert.Throws<DiffSynthException>(() => ConsumesAll(new T5Encoder(T5Config.Detect(weights)), weights, 0)).Message);
    }

    [Fact]
    public void The_second_copy_of_a_token_table_does_for_the_first()
    {
        var rows = Manifests.Read("t5xxl");
        rows.Remove("shared.weight");
        var weights = Component(rows, T5Keys.Prefixes, T5Keys.For)!;
        ConsumesAll(new T5Encoder(T5Config.Detect(weights)), weights, leftOut: 0);
    }

    [Fact]
    public void The_picture_tower_beside_a_text_encoder_is_left_out()
    {
        var rows = Manifests.Read("clip-vit-large-patch14");
        var weights = Component(rows, ClipTextKeys.Prefixes, ClipTextKeys.For)!;
        ConsumesAll(new ClipTextEncoder(ClipTextConfig.Detect(weights.Shapes)), weights, rows.Count(row => row.Key.StartsWith("vision_model.", StringComparison.Ordinal)) + 4 - 1);
    }

    [Theory]
    [InlineData("sd15", 0)]
    [InlineData("sd15-published", 14)]
    public void A_whole_checkpoint_is_its_three_networks_and_known_extras(string manifest, int extras)
    {
        var rows = Manifests.Read(manifest);
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

    [Theory]
    [InlineData("sd3-medium-clips", "CLIP-L text encoder", "CLIP-G text encoder")]
    [InlineData("sd3-medium-clips-t5", "CLIP-L text encoder", "CLIP-G text encoder", "T5 text encoder")]
    [InlineData("sd35-large")]
    [InlineData("sd35-medium")]
    public void A_bundle_is_its_parts_and_nothing_else(string manifest, params string[] encoders)
    {
        var rows = Manifests.Read(manifest);
        var parts = new DiffSynthSharp.Families.Sd3.Sd3Family().Parts.Select(part => (part.Kind.Name, Weights: part.Kind.Prefixes
            .Select(prefix => ComponentWeights.Find(new Manifest(rows), prefix, part.Kind.Keys)).FirstOrDefault(found => found is not null && part.Kind.IsIt(found))))
            .Where(part => part.Weights is not null).ToList();
        Assert.Equal([.. encoders, "transformer", "autoencoder"], parts.Select(part => part.Name));
        var consumed = parts.SelectMany(part => part.Weights!.Entries).Select(entry => entry.Name).ToList();
        Assert.Equal(consumed.Count, consumed.Distinct().Count());
        Assert.Empty(rows.Keys.Except(consumed));
        Assert.All(parts, part => Assert.Empty(part.Weights!.Unknown));
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

    private static Dictionary<string, TensorEntry> Read(string manifest) => Manifest.Read(manifest);
}
