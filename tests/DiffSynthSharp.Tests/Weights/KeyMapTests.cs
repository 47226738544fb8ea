using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Weights;

public sealed class KeyMapTests
{
    private const string Table = """
        # theirs   ours
        in         first
        old        -
        [block]
        down.{i}.norm   blocks.{n}.0
        down.{i}        blocks.{n}
        """;

    private static readonly KeyMap s_map = KeyMap.Parse(Table, new() { ["block"] = [Numbers(0, 1), Numbers(1, 3)] });

    [Theory]
    [InlineData("in.weight", "first.weight")]
    [InlineData("down.1.norm.bias", "blocks.3.0.bias")]
    [InlineData("down.0.conv.weight", "blocks.1.conv.weight")]
    public void A_name_reads_both_ways(string theirs, string ours)
    {
        Assert.True(s_map.TryToOurs(theirs, out var translated));
        Assert.Equal(ours, translated);
        Assert.Equal(theirs, s_map.ToTheirs(ours));
    }

    [Fact]
    public void A_name_left_out_on_purpose_is_known_but_has_no_place()
    {
        Assert.True(s_map.TryToOurs("old.weight", out var ours));
        Assert.Null(ours);
    }

    [Fact]
    public void A_name_of_any_length_is_looked_up_by_its_start()
    {
        var end = string.Concat(Enumerable.Repeat(".more", 100_000));
        Assert.True(s_map.TryToOurs($"down.1.norm{end}", out var ours));
        Assert.Equal($"blocks.3.0{end}", ours);
        Assert.False(s_map.TryToOurs($"unknown{end}", out _));
    }

    [Theory]
    [InlineData("down.2.norm.bias")]
    [InlineData("inside.weight")]
    [InlineData("")]
    public void A_name_without_a_row_is_unknown(string theirs) => Assert.False(s_map.TryToOurs(theirs, out _));

    [Fact]
    public void Tensors_are_joined_cut_swapped_and_transposed()
    {
        var map = KeyMap.Parse("q|k|v qkv\nfused a|b\nout end swapped\nprojection p transposed", []);
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFile(".safetensors");
        SafetensorsWriter.Write(folder.Path,
        [
            ("x.q.weight", full([1, 2], 1f)), ("x.k.weight", full([1, 2], 2f)), ("x.v.weight", full([3, 2], 3f)),
            ("x.fused", arange(4f)), ("x.out.bias", arange(6f)), ("x.projection", arange(6f).reshape(2, 3)),
        ]);
        using var file = WeightFile.Open(folder.Path);
        var weights = ComponentWeights.Find(file, "x.", _ => map)!;
        Assert.Equal([1, 1, 2, 2, 3, 3, 3, 3, 3, 3], weights.Read("qkv.weight").data<float>().ToArray());
        Assert.Equal([5, 2], weights.Shapes["qkv.weight"]);
        Assert.Equal([2, 3], weights.Read("b").data<float>().ToArray());
        Assert.Equal([3, 4, 5, 0, 1, 2], weights.Read("end.bias").data<float>().ToArray());
        Assert.Equal([0, 3, 1, 4, 2, 5], weights.Read("p").data<float>().ToArray());
        Assert.Equal([3, 2], weights.Shapes["p"]);
        Assert.Empty(weights.Unknown);
    }

    [Fact]
    public void A_part_that_is_missing_is_named()
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFile(".safetensors");
        SafetensorsWriter.Write(folder.Path, [("k.weight", zeros(1, 2)), ("v.weight", zeros(1, 2))]);
        using var file = WeightFile.Open(folder.Path);
        var weights = ComponentWeights.Find(file, "", _ => KeyMap.Parse("q|k|v qkv", []))!;
        Assert.Equal(["q.weight"], weights.Missing);
        Assert.Contains("lacks one tensor: 'q.weight'", Assert.Throws<DiffSynthException>(() => WeightLoader.Verify([("qkv.weight", [3, 2])], weights, "network")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a|b ab", "a", "b", "expected the shape of 'a', [3, 2], but for the first side")]
    [InlineData("a x|y", "a", "c", "expected a first side that 2 divides")]
    [InlineData("a x swapped", "a", "c", "expected a first side that 2 divides")]
    public void Tensors_that_cannot_be_joined_or_cut_are_named(string table, string first, string second, string message)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFile(".safetensors");
        SafetensorsWriter.Write(folder.Path, [(first, zeros(3, 2)), (second, zeros(1, 5))]);
        using var file = WeightFile.Open(folder.Path);
        Assert.Contains(message, Assert.Throws<DiffSynthException>(() => ComponentWeights.Find(file, "", _ => KeyMap.Parse(table, []))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_with_two_rows_for_one_name_is_refused()
        => Assert.Throws<FormatException>(() => KeyMap.Parse("a b\na c", []));

    [Fact]
    public void Every_parameter_of_a_unet_has_a_diffusers_name_of_its_own()
    {
        var config = new UNetConfig(4, 4, [new(32, 1), new(64, 1), new(64, 0)], 2, 128);
        using var network = new UNet(config);
        RoundTrips(network.named_parameters().Select(parameter => parameter.name), UNetKeys.Diffusers(config));
    }

    [Fact]
    public void Every_parameter_of_an_autoencoder_has_a_diffusers_name_of_its_own()
    {
        var config = new AutoencoderConfig([32, 64, 96], 1, 4);
        using var network = new AutoencoderKl(config);
        RoundTrips(network.named_parameters().Select(parameter => parameter.name), AutoencoderKeys.Diffusers(config));
    }

    [Fact]
    public void Every_parameter_of_a_flux_transformer_has_a_place_in_diffusers_layout()
    {
        var config = new FluxConfig(64, 64, 64, 32, 128, 48, 40, 32, 2, 3, HasGuidance: true);
        using var network = new FluxTransformer(config);
        var map = FluxKeys.Diffusers(config);
        var theirs = new HashSet<string>();
        foreach (var (ours, _) in network.named_parameters())
            foreach (var name in map.RowOfOurs(ours)!.Theirs)
            {
                Assert.True(theirs.Add(name), name);
                Assert.Equal([ours], map.RowOf(name)!.Ours);
            }
    }

    private static void RoundTrips(IEnumerable<string> ours, KeyMap map)
    {
        var names = ours.ToList();
        var theirs = names.Select(name => map.ToTheirs(name) ?? throw new InvalidOperationException(name)).ToList();
        Assert.Equal(names.Count, theirs.Distinct().Count());
        Assert.Equal(names, theirs.Select(name => map.TryToOurs(name, out var back) ? back : null));
    }

    private static Dictionary<string, int> Numbers(int i, int n) => new() { ["i"] = i, ["n"] = n };
}
