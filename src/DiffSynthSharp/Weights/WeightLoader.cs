using DiffSynthSharp.Layers;
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

    /// <summary>Parameters that take less than this in float32 are converted in any case: biases, norms, small layers.</summary>
    public const long SmallBytes = 1 << 20;

    /// <param name="network">A network whose parameters lie on META.</param>
    /// <param name="weights">Its tensors.</param>
    /// <param name="what">What to call the network in an error: "U-Net", "text encoder" …</param>
    /// <param name="device">Where the weights go.</param>
    /// <param name="loaded">Told after each tensor.</param>
    /// <exception cref="DiffSynthException">A tensor is missing, unknown or of another shape; the message names it.</exception>
    /// <exception cref="OperationCanceledException">The thread's job was cancelled.</exception>
    public static void Fill(nn.Module network, ComponentWeights weights, string what, Device device, Action? loaded = null)
    {
        var parameters = Open(network, weights, what);
        try
        {
            foreach (var (parameter, form) in Decide(parameters, device))
            {
                BlockBorder.Cross();
                if (form == WeightForm.Held) parameter.Leaf.Hold(parameter.Name, parameter.Weight);
                else parameter.Place(device, form == WeightForm.Converted);
                loaded?.Invoke();
            }
        }
        finally
        {
            foreach (var parameter in parameters)
                if (!parameter.Leaf.Holds(parameter.Name)) parameter.Weight.Dispose();
        }
    }

    /// <summary>In what form <see cref="Fill"/> gives a network its parameters.</summary>
    public static IReadOnlyList<WeightDecision> Decide(IReadOnlyList<StoredParameter> parameters, Device device)
    {
        var convert = parameters.Sum(parameter => parameter.ConvertedBytes) <= KeepConvertedBytes;
        return [.. parameters.Select(parameter => new WeightDecision(parameter,
            convert || parameter.ConvertedBytes < SmallBytes ? WeightForm.Converted
            : device.type == TorchSharp.DeviceType.CPU && parameter.CanStay ? WeightForm.Held : WeightForm.Kept))];
    }

    /// <summary>What fills each parameter of a network, none of it read yet. The caller disposes it, or gives it to the layers to hold.</summary>
    /// <param name="network">A network whose parameters lie on META.</param>
    /// <param name="weights">Its tensors.</param>
    /// <param name="what">What to call the network in an error.</param>
    /// <exception cref="DiffSynthException">A tensor is missing, unknown or of another shape; the message names it.</exception>
    public static IReadOnlyList<StoredParameter> Open(nn.Module network, ComponentWeights weights, string what)
    {
        var shapes = network.named_parameters().Select(parameter => (Name: parameter.name, Shape: parameter.parameter.shape)).ToList();
        Verify(shapes, weights, what);
        var leaves = network.named_modules().Where(module => module.module is Leaf).ToDictionary(module => module.name, module => (Leaf)module.module);
        var opened = new List<StoredParameter>();
        try
        {
            foreach (var (name, shape) in shapes)
            {
                BlockBorder.Cross();
                var dot = name.LastIndexOf('.');
                opened.Add(new(leaves[name[..dot]], name[(dot + 1)..], weights.Store(name, shape)));
            }
            return opened;
        }
        catch
        {
            foreach (var parameter in opened) parameter.Weight.Dispose();
            throw;
        }
    }

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
