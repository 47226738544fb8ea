using DiffSynthSharp.Imaging;
using DiffSynthSharp.Imaging.Annotators;
using static DiffSynthSharp.Tests.Goldens.ImageOpsRunner;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Canny edges, alone and as DiffSynth's control picture.</summary>
internal static class RecordedEdges
{
    public static void Edges(GoldenTensors tensors)
    {
        foreach (var name in tensors.Outputs)
        {
            // out.gray0.L2.100-200, out.rgb0.50-150
            var parts = name.Split('.');
            var image = Pixels(tensors[$"in.{parts[1].Replace("rgb", "image", StringComparison.Ordinal)}"]);
            double[] thresholds = [.. parts[^1].Split('-').Select(double.Parse)];
            var edges = Canny.Edges(image, thresholds[0], thresholds[1], isEuclidean: parts.Contains("L2"));
            Close(name, new(edges.Width, edges.Height, 1, edges.Levels), tensors[name]);
        }
    }

    public static void ControlPictures(GoldenCase @case, GoldenTensors tensors)
    {
        var index = 0;
        foreach (var run in @case.Json.GetProperty("runs").EnumerateArray())
        {
            var picture = Picture.Of(Pixels(tensors[$"in.image{index}"]));
            var resized = CannyAnnotator.Resized(picture);
            Assert.Equal(RecordedPictures.Pair(run.GetProperty("detect_size")), (resized.Width, resized.Height));
            Close($"resized{index}", resized, tensors[$"out.resized{index}"], (int)@case.Tolerance);
            var edges = CannyAnnotator.Edges(resized);
            Close($"edges{index}", new(edges.Width, edges.Height, 1, edges.Levels), tensors[$"out.edges{index}"], 255, 0.01);
            var control = GrayPicture.Of(CannyAnnotator.Run(picture));
            Close($"control{index}", new(control.Width, control.Height, 1, control.Levels), tensors[$"out.control{index}"], 255, 0.01);
            index++;
        }
    }
}
