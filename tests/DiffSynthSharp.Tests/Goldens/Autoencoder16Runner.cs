using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>The 16-channel autoencoder of FLUX.1 and Stable Diffusion 3 in three layouts.</summary>
internal sealed class Autoencoder16Runner : IGoldenRunner
{
    public string Kind => "vae-16ch";

    public void Run(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        using var written = @case.WriteWeights(@case.Text("layout")!);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, ["first_stage_model.", ""], AutoencoderKeys.For);
        var config = AutoencoderConfig.Detect(weights.Shapes);
        Assert.Equal((16L, false), (config.LatentChannels, config.MixesLatents));
        using var network = NetworkGolden.Fill(new AutoencoderKl(config), weights);
        var (scale, shift) = (@case.Json.GetProperty("scaling_factor").GetDouble(), @case.Json.GetProperty("shift_factor").GetDouble());
        if (tensors.Has("in.latents"))
        {
            GoldenAssert.Close("sample", network.Decode(tensors["in.latents"] / scale + shift), tensors["out.sample"], @case.Tolerance);
            return;
        }
        var posterior = network.Encode(tensors["in.pixels"]);
        GoldenAssert.Close("mean", posterior.Mean, tensors["out.mean"], @case.Tolerance);
        GoldenAssert.Close("logvar", posterior.LogVariance, tensors["out.logvar"], @case.Tolerance);
        GoldenAssert.Close("latents", (posterior.Mean - shift) * scale, tensors["out.latents"], @case.Tolerance);
    }
}
