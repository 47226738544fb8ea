using DiffSynthSharp.Models.Annotators;
using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Adapters;

/// <summary>Annotator files of small networks under published names.</summary>
internal static class TinyAnnotators
{
    public static LineartConfig Lineart { get; } = new(PictureChannels: 3, LineChannels: 1, Width: 4, Levels: 2, Blocks: 1);

    public static DepthAnythingConfig DepthAnything { get; } = new(
        Patch: 14, Places: 17, Blocks: 4, new(64, 128, IsFused: true, IsScaled: true), [1, 2, 3, 4], [4, 6, 8, 10], new([4, 6, 8, 10], 8, 4, 4));

    public static void WriteLineart(string path)
        => Write(path, new Lineart(Lineart), LineartConfig.Keys(["model0.1.weight", "model1.0.weight", "model1.3.weight", "model2.0.conv_block.1.weight", "model4.1.weight"])!);

    /// <summary>A file in the author's layout.</summary>
    public static void WriteDepthAnything(string path) => Write(path, new DepthAnything(DepthAnything),
        DepthAnythingConfig.Keys([.. Enumerable.Range(0, 4).Select(i => $"pretrained.blocks.{i}.norm1.weight"), "depth_head.projects.0.weight", "pretrained.patch_embed.proj.weight"])!);

    /// <summary>The same weights in the layout of transformers, where query, key and value lie apart.</summary>
    public static void WriteDepthAnythingOfTransformers(string path, string original)
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(original);
        var from = DepthAnythingConfig.Keys(file.Entries.Keys.ToList())!;
        var to = DepthAnythingConfig.Keys(
            [.. Enumerable.Range(0, 4).Select(i => $"backbone.encoder.layer.{i}.norm1.weight"), "neck.convs.0.weight", "backbone.embeddings.patch_embeddings.projection.weight"])!;
        var tensors = new List<(string, Tensor)>();
        foreach (var name in file.Entries.Keys)
        {
            from.TryToOurs(name, out var ours);
            string[] parts = ours!.Contains(".qkv.", StringComparison.Ordinal) ? ["query", "key", "value"] : [];
            if (parts.Length == 0) tensors.Add((to.ToTheirs(ours)!, file.Read(name)));
            else tensors.AddRange(parts.Zip(file.Read(name).chunk(3), (part, tensor) => (to.ToTheirs(ours.Replace("qkv", part, StringComparison.Ordinal))!, tensor.contiguous())));
        }
        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string>());
    }

    private static void Write(string path, nn.Module network, KeyMap names)
    {
        using var scope = NewDisposeScope();
        using (network)
            SafetensorsWriter.Write(path, network.named_parameters().Select(parameter => (names.ToTheirs(parameter.name)!, Values(parameter.name, parameter.parameter.shape))).ToList(),
                new Dictionary<string, string>());
    }

    private static Tensor Values(string name, long[] shape)
    {
        var isNorm = name.Contains("norm", StringComparison.Ordinal) && name.EndsWith("weight", StringComparison.Ordinal);
        var scale = shape.Length == 1 ? 0.1 : 1.4 / Math.Sqrt(shape[1..].Aggregate(1L, (a, b) => a * b));
        return SyntheticWeights.Create("tiny", new(name, ScalarType.Float32, shape, scale, isNorm ? 1 : name == "decoder.conv3.bias" ? 2 : 0, ""));
    }
}
