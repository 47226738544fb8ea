using DiffSynthSharp.Models.Upscalers;
using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Adapters;

/// <summary>ESRGAN files of a few small blocks, with the same weights under whatever names are asked for.</summary>
internal static class TinyUpscaler
{
    public static RrdbConfig Config { get; } = new(Channels: 3, Folding: 1, Width: 8, Growth: 4, Blocks: 1, Doublings: 2);

    /// <param name="path">The file to write.</param>
    /// <param name="config">Sizes.</param>
    /// <param name="theirs">The file's name of a tensor; null keeps ours.</param>
    public static void Write(string path, RrdbConfig config, Func<string, string>? theirs = null)
    {
        using var scope = NewDisposeScope();
        using var network = new RrdbNet(config);
        var tensors = network.named_parameters().Select(parameter => (parameter.name, parameter.parameter.shape)).ToList();
        SafetensorsWriter.Write(path, tensors.Select(tensor => (theirs?.Invoke(tensor.name) ?? tensor.name, Values(tensor.name, tensor.shape))), new Dictionary<string, string>());
    }

    private static Tensor Values(string name, long[] shape)
    {
        var isBias = shape.Length == 1;
        var scale = isBias ? 0.05 : 1 / Math.Sqrt(shape[1] * shape[2] * shape[3]);
        return SyntheticWeights.Create("tiny", new(name, ScalarType.Float32, shape, scale, name == "conv_last.bias" ? 0.5 : 0, ""));
    }
}
