using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>
/// The tensors of one network inside a checkpoint, under the network's own names: those behind a prefix, translated by a key map.
/// </summary>
internal sealed class ComponentWeights
{
    private readonly Dictionary<string, TensorEntry> _byOurName = new(StringComparer.Ordinal);

    /// <param name="source">Where the tensors are; it must stay open as long as they are read.</param>
    /// <param name="prefix">What stands before this network's tensors, with the closing dot; empty for none.</param>
    /// <param name="map">The layout; given the names without the prefix, null says that they are not this network's.</param>
    /// <returns>The component, or null when the source doesn't hold it.</returns>
    public static ComponentWeights? Find(ITensorSource source, string prefix, Func<IReadOnlyCollection<string>, KeyMap?> map)
    {
        var behind = source.Entries.Values.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(entry => entry.Name[prefix.Length..]);
        return behind.Count > 0 && map(behind.Keys) is { } layout ? new ComponentWeights(source, prefix, behind, layout) : null;
    }

    private ComponentWeights(ITensorSource source, string prefix, Dictionary<string, TensorEntry> entries, KeyMap map)
    {
        (Source, Prefix, Entries) = (source, prefix, [.. entries.Values]);
        foreach (var (name, entry) in entries)
            if (!map.TryToOurs(name, out var ours)) Unknown.Add(entry.Name);
            else if (ours is null) LeftOut.Add(entry.Name);
            else if (!_byOurName.TryAdd(ours, entry))
                throw new DiffSynthException($"'{Origin}' holds '{ours}' twice, as '{_byOurName[ours].Name}' and as '{entry.Name}'. The file mixes two layouts; save it again with one.");
        Shapes = _byOurName.ToDictionary(pair => pair.Key, pair => pair.Value.Shape);
    }

    /// <summary>Where the tensors are.</summary>
    public ITensorSource Source { get; }

    /// <summary>What the user would call the source: a file or a folder.</summary>
    public string Origin => Source.Path;

    public string Prefix { get; }

    /// <summary>Every tensor behind the prefix, as the source has it.</summary>
    public IReadOnlyList<TensorEntry> Entries { get; }

    /// <summary>Shapes under our names.</summary>
    public IReadOnlyDictionary<string, long[]> Shapes { get; }

    /// <summary>Names in the source that the layout doesn't know.</summary>
    public List<string> Unknown { get; } = [];

    /// <summary>Names in the source that are not read on purpose.</summary>
    public List<string> LeftOut { get; } = [];

    /// <summary>The entry that fills one of our parameters.</summary>
    public bool TryGet(string ours, out TensorEntry entry) => _byOurName.TryGetValue(ours, out entry!);

    /// <summary>One side of a tensor's shape, which tells a size of the network.</summary>
    /// <exception cref="DiffSynthException">There is no such tensor, or it has no such side.</exception>
    public long Side(string ours, int axis)
    {
        if (!_byOurName.TryGetValue(ours, out var entry))
            throw new DiffSynthException($"'{Origin}' lacks the tensor '{Prefix}{ours}'. Download the file again or choose a complete one.");
        return axis < entry.Shape.Length ? entry.Shape[axis]
            : throw new DiffSynthException($"'{Origin}': the tensor '{entry.Name}' has the shape {entry.ShapeText}, expected {axis + 1} sides or more.");
    }

    /// <summary>The stored tensor that fills one of our parameters. The caller owns it.</summary>
    public Tensor Read(string ours) => Source.Read(_byOurName[ours].Name);

    /// <summary>Takes the file pages of a parameter's tensor out of resident memory, when the parameter is a copy.</summary>
    public void DropPages(string ours) => Source.DropPages(_byOurName[ours].Name);
}
