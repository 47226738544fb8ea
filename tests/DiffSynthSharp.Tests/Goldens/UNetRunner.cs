using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Stable Diffusion 1.x's U-Net, both layouts, 4 and 9 channels, whole and with tiled transformers.</summary>
internal sealed class UNetRunner : IGoldenRunner
{
    public string Kind => "unet-sd15";

    public void Run(GoldenCase @case)
    {
        using var written = @case.WriteWeights(@case.Text("layout")!);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, ["model.diffusion_model.", ""], UNetKeys.For);
        var config = UNetConfig.Detect(weights.Shapes) with
        {
            Heads = @case.Folder.Config.GetProperty("attention_head_dim").GetInt64(),
            NormGroups = @case.Folder.Config.GetProperty("norm_num_groups").GetInt64(),
        };
        using var network = NetworkGolden.Fill(new UNet(config), weights);
        using var tensors = @case.Tensors();
        var sample = tensors["in.sample"];
        var timesteps = tensors["in.timestep"].to(ScalarType.Float32).reshape(-1).expand(sample.shape[0]);
        var output = network.Run(sample, timesteps, tensors["in.encoder_hidden_states"], Grid(@case));
        if (@case.Text("operation") == "v-prediction") CompareStep(@case, tensors, sample, output);
        else GoldenAssert.Close("sample", output, tensors["out.sample"], @case.Tolerance);
    }

    private static TileGrid? Grid(GoldenCase @case) => @case.Json.TryGetProperty("tile_size", out var size)
        ? new TileGrid(size.GetInt64(), @case.Json.GetProperty("tile_stride").GetInt64())
        : null;

    private static void CompareStep(GoldenCase @case, GoldenTensors tensors, Tensor sample, Tensor v)
    {
        GoldenAssert.Close("v", v, tensors["out.v"], @case.Tolerance);
        var alpha = @case.Json.GetProperty("alpha_cumprod").GetDouble();
        var denoised = Math.Sqrt(alpha) * sample - Math.Sqrt(1 - alpha) * v;
        GoldenAssert.Close("pred_original_sample", denoised, tensors["out.pred_original_sample"], @case.Tolerance);
    }
}
