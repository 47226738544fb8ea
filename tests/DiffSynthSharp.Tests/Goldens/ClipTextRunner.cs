using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>CLIP-L behind every published prefix.</summary>
internal sealed class ClipTextRunner : IGoldenRunner
{
    public string Kind => "clip-text-encoder";

    public void Run(GoldenCase @case) => Check(@case, ClipTextKeys.Prefixes);

    /// <summary>Compares every recorded output of one encoder.</summary>
    public static void Check(GoldenCase @case, IReadOnlyList<string> prefixes)
    {
        using var network = Load(@case, @case.Text("layout")!, prefixes);
        using var tensors = @case.Tensors();
        var output = network.forward(tensors["in.input_ids"]);
        foreach (var name in tensors.Outputs.Select(name => name["out.".Length..]))
            GoldenAssert.Close(name, Output(network, tensors, output, name), tensors[$"out.{name}"], @case.Tolerance);
    }

    /// <summary>An encoder as it is published: in a folder with its configuration, or in a single file where shapes must do.</summary>
    public static ClipTextEncoder Load(GoldenCase @case, string layout, IReadOnlyList<string> prefixes)
    {
        using var written = @case.WriteWeights(layout);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, prefixes, ClipTextKeys.For);
        var config = layout is "diffusers" or "sd15-folder" or "sd3-folder" ? NetworkGolden.Config(@case.Folder.Config) : null;
        return NetworkGolden.Fill(new ClipTextEncoder(ClipTextConfig.Detect(weights, config)), weights);
    }

    private static Tensor Output(ClipTextEncoder network, GoldenTensors tensors, ClipTextOutput output, string name)
    {
        var ids = tensors["in.input_ids"];
        var parts = name.Split('.');
        return parts[0] switch
        {
            "hidden" => output.Hidden[int.Parse(parts[1])],
            "last_hidden_state" => Skipped(network, output, 1),
            "prompt_emb" => Skipped(network, output, int.Parse(parts[1]["skip".Length..])).reshape(1, ids.numel(), -1),
            "text_embeds" => network.Project(output.Pooled),
            "pooled" when parts.ElementAtOrDefault(1) == "eos" => Skipped(network, output, 1)[arange(ids.shape[0]), AtEnd(tensors)],
            "pooled" => output.Pooled,
            "position" => parts[1] == "eos" ? AtEnd(tensors) : ClipTextEncoder.PoolAt(ids, null),
            _ when parts[0].StartsWith("skip", StringComparison.Ordinal) => Skipped(network, output, int.Parse(parts[0]["skip".Length..])),
            _ => throw new NotSupportedException($"The golden has an output '{name}' that no one checks."),
        };
    }

    private static Tensor Skipped(ClipTextEncoder network, ClipTextOutput output, int skip) => network.Norm(output.Hidden[^skip]);

    // Textual inversion put larger ids behind the end token, so the end token's id is the one at a recorded position.
    private static Tensor AtEnd(GoldenTensors tensors)
    {
        var (ids, recorded) = (tensors["in.input_ids"], tensors["out.position.eos"]);
        var row = Enumerable.Range(0, (int)ids.shape[0]).First(row => recorded[row].ToInt64() > 0);
        return ClipTextEncoder.PoolAt(ids, ids[row, recorded[row].ToInt64()].ToInt64());
    }
}
