using DiffSynthSharp.Models.Annotators;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>The line drawing network, and the detector around it.</summary>
internal sealed class LineartRunner : IGoldenRunner
{
    public string Kind => "annotator-lineart";

    public void Run(GoldenCase @case)
    {
        using var written = @case.WriteWeights(@case.Text("layout")!);
        using var tensors = @case.Tensors();
        if (tensors.Has("out.map"))
        {
            NetworkGolden.CompareControlPicture(@case, tensors, "lineart", written.Path);
            return;
        }
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, [""], LineartConfig.Keys);
        using var network = NetworkGolden.Fill(new Lineart(LineartConfig.Detect(weights)), weights);
        GoldenAssert.Close("line", network.forward(tensors["in.image"]), tensors["out.line"], @case.Tolerance);
    }
}
