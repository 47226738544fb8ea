using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>The 4-channel autoencoder in three layouts: encode, decode, whole and tiled.</summary>
internal sealed class AutoencoderRunner : IGoldenRunner
{
    public string Kind => "vae-4ch";

    public void Run(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        if (@case.Text("operation") == "gaussian")
        {
            ComparePosterior(@case, tensors, Posterior.FromMoments(tensors["in.moments"]));
            return;
        }
        using var written = @case.WriteWeights(@case.Text("layout")!);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, ["first_stage_model.", ""], AutoencoderKeys.For);
        var config = AutoencoderConfig.Detect(weights.Shapes) with { NormGroups = @case.Folder.Config.GetProperty("norm_num_groups").GetInt64() };
        using var network = NetworkGolden.Fill(new AutoencoderKl(config), weights);
        var scale = @case.Json.GetProperty("scaling_factor").GetDouble();
        switch (@case.Text("operation"))
        {
            case "decode":
            case "tiled-decode":
                GoldenAssert.Close("image", network.Decode(tensors["in.latents"] / scale, Grid(@case)), tensors["out.image"], @case.Tolerance);
                break;
            case "encode":
                ComparePosterior(@case, tensors, network.Encode(tensors["in.image"]), scale);
                break;
            case "tiled-encode":
                GoldenAssert.Close("latents", network.Encode(tensors["in.image"], Grid(@case)).Mean * scale, tensors["out.latents"], @case.Tolerance);
                break;
            case var other:
                Assert.Fail($"The golden has an operation '{other}' that no one checks.");
                break;
        }
        CompareTileWeight(@case, tensors);
    }

    private static TileGrid? Grid(GoldenCase @case) => @case.Json.TryGetProperty("tile_size", out var size)
        ? new TileGrid(size.GetInt64(), @case.Json.GetProperty("tile_stride").GetInt64())
        : null;

    private static void ComparePosterior(GoldenCase @case, GoldenTensors tensors, Posterior posterior, double? scale = null)
    {
        GoldenAssert.Close("mean", posterior.Mean, tensors["out.mean"], @case.Tolerance);
        GoldenAssert.Close("logvar", posterior.LogVariance, tensors["out.logvar"], @case.Tolerance);
        GoldenAssert.Close("std", posterior.Deviation(), tensors["out.std"], @case.Tolerance);
        GoldenAssert.Close("sample", posterior.Sample(tensors["in.noise"]), tensors["out.sample"], @case.Tolerance);
        if (scale is null) return;
        GoldenAssert.Close("latents", posterior.Sample(tensors["in.noise"]) * scale.Value, tensors["out.latents"], @case.Tolerance);
        GoldenAssert.Close("latents_mode", posterior.Mean * scale.Value, tensors["out.latents_mode"], @case.Tolerance);
    }

    private static void CompareTileWeight(GoldenCase @case, GoldenTensors tensors)
    {
        if (!tensors.Has("out.tile_weight")) return;
        var expected = tensors["out.tile_weight"];
        var border = @case.Json.TryGetProperty("tile_weight_border_pixels", out var pixels) ? pixels : @case.Json.GetProperty("tile_weight_border_cells");
        GoldenAssert.Close("tile_weight", Tiles.Weight(expected.shape[0], expected.shape[1], border.GetDouble()), expected, @case.Tolerance);
    }
}
