using DiffSynthSharp.Adapters.Annotators;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Imaging.Annotators;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Models.Annotators;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp;

/// <summary>What turns a picture into the one that a ControlNet looks at, by name.</summary>
public static class AnnotatorNames
{
    private const string Lineart = "lineart";
    private const string Depth = "depth";

    private static readonly Dictionary<string, Func<Picture, Picture>> s_pure = new()
    {
        ["none"] = picture => picture,
        ["tile"] = picture => picture,
        ["inpaint"] = picture => picture,
        ["canny"] = CannyAnnotator.Run,
        ["color"] = ColourAnnotator.Run,
    };

    private static readonly Dictionary<string, string> s_files = new() { [Lineart] = "sk_model.pth", [Depth] = "dpt_hybrid-midas-501f0c75.pt or depth_anything_v2_vits.pth" };

    /// <summary>Every name: <c>none</c>, <c>tile</c> and <c>inpaint</c> leave the picture as it is; <c>canny</c> and <c>color</c> need no file; <c>lineart</c> and
    /// <c>depth</c> are networks.</summary>
    public static IReadOnlyList<string> All { get; } = [.. s_pure.Keys, .. s_files.Keys];

    /// <summary>Makes sure that a name is known and that it has a weight file exactly when it needs one, before anything is computed.</summary>
    /// <param name="name">One of <see cref="All"/>.</param>
    /// <param name="weightFile">The network's file, or null.</param>
    /// <exception cref="DiffSynthException">It isn't so; the message says what to name.</exception>
    public static void Check(string name, string? weightFile)
    {
        if (!All.Contains(name)) throw new DiffSynthException(KnownNames.Unknown("annotator", name, All));
        if (s_files.TryGetValue(name, out var published) && weightFile is null)
            throw new DiffSynthException($"The annotator '{name}' is a network and needs its file: name {published}, or the same as safetensors.");
        if (s_pure.ContainsKey(name) && weightFile is not null)
            throw new DiffSynthException($"The annotator '{name}' needs no file, but '{weightFile}' was named. Leave it out, or choose {string.Join(" or ", s_files.Keys)}.");
        if (weightFile is not null && !File.Exists(weightFile)) throw new DiffSynthException($"There is no file '{weightFile}' for the annotator '{name}'.");
    }

    /// <summary>Turns a picture into a control picture.</summary>
    /// <param name="name">One of <see cref="All"/>.</param>
    /// <param name="picture">Of any size.</param>
    /// <param name="weightFile">The network's file where one is needed; for <c>depth</c> it decides between MiDaS and Depth-Anything.</param>
    /// <param name="device">"cpu", "cuda" or "cuda:N".</param>
    /// <param name="cancellation">Stops at the network's next block.</param>
    /// <returns>Of the picture's size.</returns>
    /// <exception cref="DiffSynthException">The name is unknown, or the file is missing, damaged or of another kind.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static Picture Run(string name, Picture picture, string? weightFile = null, string device = "cpu", CancellationToken cancellation = default)
    {
        Check(name, weightFile);
        if (s_pure.TryGetValue(name, out var pure)) return pure(picture);
        using var source = WeightSource.OpenFile(weightFile!);
        TorchRuntime.EnsureLoaded();
        var place = DeviceChoice.Parse(device);
        using var stop = BlockBorder.StopWith(cancellation);
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        return name == Lineart ? Draw(source, picture, place) : Measure(source, picture, place);
    }

    private static Picture Draw(WeightSource source, Picture picture, Device device)
    {
        using var network = NetworkFile.TryLoad(source, [""], LineartConfig.Keys, weights => new Lineart(LineartConfig.Detect(weights)), "line drawing network", device)
            ?? throw Other(source, "line drawing network", "model0.1.weight");
        return LineartDetector.Run(network, picture, device);
    }

    private static Picture Measure(WeightSource source, Picture picture, Device device)
    {
        using var hybrid = NetworkFile.TryLoad(source, [""], DptHybridConfig.Keys, weights => new DptHybrid(DptHybridConfig.Detect(weights)), "depth network", device);
        if (hybrid is not null) return DptDetector.Run(hybrid, picture, device);
        using var network = NetworkFile.TryLoad(source, [""], DepthAnythingConfig.Keys, weights => new DepthAnything(DepthAnythingConfig.Detect(weights)), "depth network", device)
            ?? throw Other(source, "depth network (MiDaS' DPT-Hybrid or Depth-Anything-V2)", "pretrained.model.cls_token");
        return DepthAnythingDetector.Run(network, picture, device);
    }

    private static DiffSynthException Other(WeightSource source, string what, string sign) => new(
        $"'{source.Path}' is no {what}. Its {source.Entries.Count} tensors begin with '{OneLine.Of(source.Entries.Keys.First())}'; expected names such as '{sign}'.");
}
