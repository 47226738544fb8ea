using System.Text.Json;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Models;

/// <summary>What a folder's configuration adds to the shapes of a text encoder, and what of it is refused.</summary>
public sealed class TextConfigTests
{
    [Fact]
    public void Shapes_tell_clip_g_by_its_projection()
    {
        Assert.True(Clip(768, projection: 0, "{}").QuickGelu);
        Assert.True(Clip(768, projection: 768).QuickGelu);
        Assert.False(Clip(1280, projection: 1280).QuickGelu);
        Assert.True(Clip(1280, projection: 1280, """{"hidden_act": "quick_gelu"}""").QuickGelu);
        Assert.Equal((false, 4), (Clip(768, 0, """{"hidden_act": "gelu", "num_attention_heads": 4}""").QuickGelu, Clip(768, 0, """{"num_attention_heads": 4}""").Heads));
    }

    [Theory]
    [InlineData("""{"hidden_act": "relu"}""", "hidden_act 'relu' is unknown")]
    [InlineData("""{"num_attention_heads": 0}""", "num_attention_heads is 0")]
    [InlineData("""{"num_attention_heads": 5}""", "doesn't divide the width 768")]
    public void A_configuration_of_another_clip_is_refused(string config, string reason)
        => Assert.Contains(reason, Assert.Throws<DiffSynthException>(() => Clip(768, 0, config)).Message);

    [Theory]
    [InlineData("""{"feed_forward_proj": "relu"}""", "feed_forward_proj 'relu'")]
    [InlineData("""{"relative_attention_max_distance": 8}""", "expected more than 8")]
    public void A_configuration_of_another_t5_is_refused(string config, string reason)
        => Assert.Contains(reason, Assert.Throws<DiffSynthException>(() => T5Config.Detect(T5(), Config(config))).Message);

    [Fact]
    public void A_configuration_with_more_blocks_than_the_file_is_believed()
    {
        Assert.Equal(1, T5Config.Detect(T5()).Blocks);
        var config = T5Config.Detect(T5(), Config("""{"num_layers": 3, "layer_norm_epsilon": 0.5, "relative_attention_max_distance": 64}"""));
        Assert.Equal((3, 0.5, 64L), (config.Blocks, config.Epsilon, config.MaxDistance));
    }

    [Fact]
    public void A_single_file_of_T5_XXL_has_24_blocks_whatever_it_lacks() => Assert.Equal(24, T5Config.Detect(T5(width: 4096)).Blocks);

    [Theory]
    [InlineData(3, "block.0.a", "block.1.a", "block.2.a")]
    [InlineData(3, "block.2.a", "other.7.a", "c")]
    [InlineData(0, "block.999999999.a", "block.x.a", "block.-1.a", "block.1")]
    public void The_depth_is_the_largest_number_that_a_file_of_so_many_tensors_can_fill(int depth, params string[] names)
        => Assert.Equal(depth, NameCount.Deepest(names, "block."));

    private static ClipTextConfig Clip(long width, long projection, string? config = null) => ClipTextConfig.Detect(
        ComponentWeights.Find(
            new Shapes(
            [
                ("text_model.embeddings.token_embedding.weight", [100, width]), ("text_model.embeddings.position_embedding.weight", [77, width]),
                ("text_model.encoder.layers.0.mlp.fc1.weight", [4 * width, width]), .. projection == 0 ? [] : new[] { ("text_projection.weight", new[] { projection, width }) },
            ]), "", ClipTextKeys.For)!, config is null ? null : Config(config));

    private static ComponentWeights T5(long width = 64) => ComponentWeights.Find(
        new Shapes(
        [
            ("shared.weight", [100, width]), ("encoder.block.0.layer.0.SelfAttention.q.weight", [128, width]),
            ("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", [32, 2]), ("encoder.block.0.layer.1.DenseReluDense.wi_0.weight", [96, width]),
        ]), "", T5Keys.For)!;

    private static ConfigFile Config(string json)
    {
        using var document = JsonDocument.Parse(json);
        return NetworkGolden.Config(document.RootElement);
    }

    private sealed class Shapes(IEnumerable<(string Name, long[] Shape)> tensors) : ITensorSource
    {
        public string Path => "shapes";

        public IReadOnlyDictionary<string, TensorEntry> Entries { get; } = tensors.ToDictionary(row => row.Name, row => new TensorEntry(row.Name, StoredTypes.Find("F32")!.Value, row.Shape));

        public Tensor Read(string name) => throw new InvalidOperationException("Shapes have no data.");

        public StoredRows Store(string name, float[]? scale) => throw new NotSupportedException("Shapes alone.");
    }
}
