using System.Globalization;

namespace DiffSynthSharp.Weights.Pickles;

/// <summary>Finds the tensors in what a pickle describes, names them by their path and validates them against their storages.</summary>
/// <remarks>A dictionary that is met twice is listed under its first path only, so that a few references cannot multiply into billions.</remarks>
internal sealed class CheckpointTensors
{
    private const int MaxDepth = 32;
    private const int MaxRank = 16;
    private const int MaxNameLength = 1024;
    private const int MaxTensors = 1 << 18;

    // A view may repeat a small storage (an expanded mask); beyond this many elements it is an attack on memory.
    private const long MaxRepeatedElements = 1 << 20;

    private readonly string _path;
    private readonly Func<PickleStorage, (long Offset, ChecksummedBlock? Block)> _locate;
    private readonly Dictionary<string, TensorEntry> _entries = [];
    private readonly HashSet<object> _visited = new(ReferenceEqualityComparer.Instance);

    private CheckpointTensors(string path, Func<PickleStorage, (long Offset, ChecksummedBlock? Block)> locate) => (_path, _locate) = (path, locate);

    /// <summary>Lists the tensors of a checkpoint; of one that has a <c>state_dict</c> (PyTorch Lightning's, beside optimizer states and the like) those in it,
    /// without its name.</summary>
    /// <param name="root">What the pickle describes.</param>
    /// <param name="path">The file's name, for errors.</param>
    /// <param name="locate">Where a storage's bytes lie in the file, and their checksum if there is one.</param>
    /// <exception cref="DiffSynthException">A tensor leaves its storage, is too large, or there is none at all.</exception>
    public static IReadOnlyDictionary<string, TensorEntry> Collect(
        object? root, string path, Func<PickleStorage, (long Offset, ChecksummedBlock? Block)> locate)
    {
        var tensors = new CheckpointTensors(path, locate);
        var proper = (root as PickleDict)?.Find("state_dict") as PickleDict;
        tensors.Visit(proper ?? root, "", 0);
        if (tensors._entries.Count > 0) return tensors._entries;
        throw new DiffSynthException(root is PickleObject { Type: { } type }
            ? $"'{path}' has no tensors that can be listed: it holds a whole object of class {OneLine.Of(type.ToString())}. Save its state_dict instead."
            : $"'{path}' is no checkpoint of a model: no tensors found in it.");
    }

    private void Visit(object? value, string name, int depth)
    {
        if (depth > MaxDepth) throw new DiffSynthException($"'{_path}' is no valid checkpoint: nesting too deep, more than {MaxDepth} levels.");
        switch (value)
        {
            case PickleTensor tensor: Add(tensor, name); break;
            case PickleDict dictionary when _visited.Add(dictionary):
                foreach (var (key, item) in dictionary.Items) Visit(item, Join(name, KeyText(key), depth), depth + 1);
                break;
            case PickleList list when _visited.Add(list): VisitAll(list.Items, name, depth); break;
            case object?[] { Length: > 0 } tuple when _visited.Add(tuple): VisitAll(tuple, name, depth); break;
            case PickleObject { State: { } state } item when item.Type?.ToString() == PickleGlobals.ParameterDict: Visit(state, name, depth + 1); break;
        }
    }

    private void VisitAll(IReadOnlyList<object?> items, string name, int depth)
    {
        for (var i = 0; i < items.Count; i++)
            if (items[i] is PickleTensor or PickleDict or PickleList or object?[] or PickleObject)
                Visit(items[i], Join(name, i.ToString(CultureInfo.InvariantCulture), depth), depth + 1);
    }

    private static string KeyText(object? key) => key switch
    {
        string text => text,
        long number => number.ToString(CultureInfo.InvariantCulture),
        _ => "<object>",
    };

    private string Join(string name, string part, int depth)
    {
        if (name.Length + part.Length > MaxNameLength)
            throw new DiffSynthException($"'{_path}' is no valid checkpoint: a tensor's name is longer than {MaxNameLength} letters.");
        return depth == 0 ? part : $"{name}/{part}";
    }

    private void Add(PickleTensor tensor, string name)
    {
        if (_entries.Count >= MaxTensors) throw new DiffSynthException($"'{_path}' is no valid checkpoint: more than {MaxTensors} tensors.");
        if (tensor.Arguments is not [_, long first, object?[] sizes, object?[] steps, ..])
            throw Malformed(name, "has no valid offset, size and stride (or a size that overflows)");
        if (sizes.Length != steps.Length) throw Malformed(name, $"has size and stride of different rank: {sizes.Length} and {steps.Length}");
        if (sizes.Length > MaxRank) throw Malformed(name, $"has {sizes.Length} dimensions, more than {MaxRank}");
        if (first < 0) throw Malformed(name, $"has a negative storage offset: {first}");
        long[] shape = Numbers(sizes, name, "dimension"), strides = Numbers(steps, name, "stride");
        CheckExtent(tensor, name, first, shape, strides);
        var (offset, block) = _locate(tensor.Storage);
        _entries[name] = new TensorEntry(name, tensor.Type, shape)
        {
            Offset = offset + first * tensor.Type.Size(),
            Strides = IsRowMajor(shape, strides) ? null : strides,
            Block = block,
        };
    }

    private DiffSynthException Malformed(string name, string what) => new($"'{_path}' is no valid checkpoint: the tensor '{OneLine.Of(name)}' {what}.");

    private long[] Numbers(object?[] values, string name, string what) => Array.ConvertAll(values, value => value is long number
        ? number >= 0 ? number : throw Malformed(name, $"has a negative {what}: {number}")
        : throw Malformed(name, $"has a {what} that is no integer, or a size that overflows"));

    private void CheckExtent(PickleTensor tensor, string name, long first, long[] shape, long[] strides)
    {
        var capacity = tensor.Storage.Bytes / tensor.Type.Size();
        Int128 elements = 1, last = first;
        for (var i = 0; i < shape.Length; i++)
        {
            if ((elements *= shape[i]) > long.MaxValue / 16) throw Malformed(name, "has a size that overflows");
            last += (Int128)Math.Max(shape[i] - 1, 0) * strides[i];
        }
        if (elements > 0 && last >= capacity || first > capacity)
            throw Malformed(name, $"reaches beyond its storage: to element {last} of {capacity}");
        if (elements > Math.Max(capacity, MaxRepeatedElements))
            throw Malformed(name, $"is larger than any limit: {elements} elements from a storage of {capacity}");
    }

    private static bool IsRowMajor(long[] shape, long[] strides)
    {
        var step = 1L;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != step) return Array.IndexOf(shape, 0) >= 0;
            step *= shape[i];
        }
        return true;
    }
}
