using DiffSynthSharp.Models.Annotators;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>MiDaS' hybrid network and its detector, and Depth-Anything-V2.</summary>
internal sealed class DepthRunner : IGoldenRunner
{
    public string Kind => "annotator-depth";

    public void Run(GoldenCase @case)
    {
        using var written = @case.WriteWeights(@case.Text("layout")!);
        using var tensors = @case.Tensors();
        if (tensors.Has("out.map"))
        {
            NetworkGolden.CompareControlPicture(@case, tensors, "depth", written.Path);
            return;
        }
        using var file = WeightFile.Open(written.Path);
        if (tensors.Has("in.pixel_values"))
        {
            var weights = NetworkGolden.Component(file, [""], DepthAnythingConfig.Keys);
            using var network = NetworkGolden.Fill(new DepthAnything(DepthAnythingConfig.Detect(weights)), weights);
            GoldenAssert.Close("depth", network.forward(tensors["in.pixel_values"]), tensors["out.depth"], @case.Tolerance);
        }
        else
        {
            var weights = NetworkGolden.Component(file, [""], DptHybridConfig.Keys);
            using var network = NetworkGolden.Fill(new DptHybrid(DptHybridConfig.Detect(weights)), weights);
            GoldenAssert.Close("depth", network.forward(tensors["in.image"]), tensors["out.depth"], @case.Tolerance);
        }
    }
}
