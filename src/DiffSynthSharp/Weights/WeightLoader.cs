using DiffSynthSharp.Layers;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>Fills a network's parameters, each exactly once, from a component of a checkpoint.</summary>
internal static class WeightLoader
{
    private const int NamesShown = 3;

    /// <summary>
    /// Networks whose float32 weights stay under this are converted once, at load. Larger ones keep the file's element type and are
    /// converted on use, layer by layer.
    /// </summary>
    public const long KeepConvertedBytes = 512L << 20;

    /// <param name="network">A network whose parameters lie on META.</param>
    /// <param name="weights">Its tensors.</param>
    /// <param name="what">What to call the network in an error: "U-Net", "text encoder" …</param>
    /// <param name="device">Where the weights go.</param>
    /// <param name="loaded">Told after each tensor.</param>
    /// <exception cref="DiffSynthException">A tensor is missing, unknown or of another shape; the message names it.</exception>
    /// <exception cref="OperationCanceledException">The thread's job was cancelled.</exception>
    public static void Fill(nn.Module network, ComponentWeights weights, string what, Device device, Action? loaded = null)
    {
        var parameters = network.named_parameters().Select(parameter => (parameter.name, parameter.parameter.shape)).ToList();
        Verify(parameters, weights, what);
        var leaves = network.named_modules().Where(module => module.module is Leaf).ToDictionary(module => module.name, module => (Leaf)module.module);
        var convert = parameters.Sum(parameter => 4 * parameter.shape.Aggregate(1L, (a, b) => a * b)) <= KeepConvertedBytes;
        foreach (var (name, shape) in parameters)
        {
            BlockBorder.Cross();
            Fill(leaves, name, shape, weights, convert, device);
            loaded?.Invoke();
        }
    }

    private static unsafe void Fill(Dictionary<string, Leaf> leaves, string name, long[] shape, ComponentWeights weights, bool convert, Device device)
    {
        using var scope = NewDisposeScope();
        var dot = name.LastIndexOf('.');
        var stored = weights.Read(name);
        var mapped = TensorAddress.Of(stored);
        var parameter = leaves[name[..dot]].Assign(name[(dot + 1)..], Place(stored, shape, convert, device).MoveToOuterDisposeScope());
        if (parameter.device_type != TorchSharp.DeviceType.CPU || TensorAddress.Of(parameter) != mapped) weights.DropPages(name);
    }

    private static Tensor Place(Tensor stored, long[] shape, bool convert, Device device)
    {
        var shaped = stored.reshape(shape);
        var typed = convert || !IsComputable(shaped.dtype) ? shaped.to(ScalarType.Float32) : shaped;
        return device.type == TorchSharp.DeviceType.CPU ? typed.alias() : typed.to(device);
    }

    private static bool IsComputable(ScalarType type) => type is ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16 or (ScalarType)23 or (ScalarType)24;

    /// <summary>Makes sure that the component fills every parameter exactly once and holds nothing else.</summary>
    /// <param name="parameters">Names and shapes of the network's parameters.</param>
    /// <param name="weights">The component.</param>
    /// <param name="what">What to call the network in an error.</param>
    /// <exception cref="DiffSynthException">A tensor is missing, unknown or of another shape; the message names it.</exception>
    internal static void Verify(IReadOnlyCollection<(string Name, long[] Shape)> parameters, ComponentWeights weights, string what)
    {
        if (weights.Unknown.Count > 0)
            throw new DiffSynthException($"The {what} in '{weights.Origin}' has {Count(weights.Unknown.Count, "tensor")} that the network doesn't: {Some(weights.Unknown)}. The file is of another kind or damaged.");
        var names = parameters.Select(parameter => parameter.Name).ToHashSet();
        var extra = weights.Shapes.Keys.Where(name => !names.Contains(name)).ToList();
        if (extra.Count > 0)
            throw new DiffSynthException($"The {what} in '{weights.Origin}' has {Count(extra.Count, "tensor")} more than a network of its sizes: {Some(extra)}.");
        var missing = weights.Missing.Count > 0 ? weights.Missing
            : parameters.Where(parameter => !weights.Shapes.ContainsKey(parameter.Name)).Select(parameter => weights.Prefix + parameter.Name).ToList();
        if (missing.Count > 0)
            throw new DiffSynthException($"The {what} in '{weights.Origin}' lacks {Count(missing.Count, "tensor")}: {Some(missing)}. Download the file again or choose a complete one.");
        foreach (var (name, shape) in parameters)
            if (!SameShape(shape, weights.Shapes[name]))
                throw new DiffSynthException($"The {what} in '{weights.Origin}': tensor '{weights.Prefix}{name}' has the shape [{string.Join(", ", weights.Shapes[name])}], expected [{string.Join(", ", shape)}].");
        foreach (var (name, _) in parameters)
            if (weights.TryGet(name, out var found) && found.Pieces.FirstOrDefault(piece => !piece.Entry.Type.IsFloat()).Entry is { } entry)
                throw new DiffSynthException($"The {what} in '{weights.Origin}': tensor '{entry.Name}' holds {entry.Type} values, expected floating point.");
    }

    // 1×1 convolutions and linear layers hold the same numbers; published files have either.
    private static bool SameShape(long[] ours, long[] theirs) => WithoutTrailingOnes(ours).SequenceEqual(WithoutTrailingOnes(theirs));

    private static ReadOnlySpan<long> WithoutTrailingOnes(long[] shape) => shape.AsSpan().TrimEnd(1);

    private static string Some(List<string> names)
        => string.Join(", ", names.Take(NamesShown).Select(name => $"'{name}'")) + (names.Count > NamesShown ? $" and {names.Count - NamesShown} more" : "");

    private static string Count(int count, string noun) => count == 1 ? $"one {noun}" : $"{count} {noun}s";
}
