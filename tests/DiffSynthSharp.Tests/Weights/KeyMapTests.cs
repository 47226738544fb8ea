using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;

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

    private static void RoundTrips(IEnumerable<string> ours, KeyMap map)
    {
        var names = ours.ToList();
        var theirs = names.Select(name => map.ToTheirs(name) ?? throw new InvalidOperationException(name)).ToList();
        Assert.Equal(names.Count, theirs.Distinct().Count());
        Assert.Equal(names, theirs.Select(name => map.TryToOurs(name, out var back) ? back : null));
    }

    private static Dictionary<string, int> Numbers(int i, int n) => new() { ["i"] = i, ["n"] = n };
}
