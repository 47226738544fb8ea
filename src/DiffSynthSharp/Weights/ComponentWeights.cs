using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>
/// The tensors of one network inside a checkpoint, under the network's own names: those behind a prefix, translated by a key map.
/// </summary>
internal sealed class ComponentWeights
{
    private readonly ITensorSource _source;
    private readonly Dictionary<string, ParameterPieces> _byOurName = new(StringComparer.Ordinal);

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
        (_source, Prefix, Entries) = (source, prefix, [.. entries.Values]);
        foreach (var (name, entry) in entries)
            if (map.RowOf(name) is not { } row) Unknown.Add(entry.Name);
            else if (row.Ours.Count == 0) LeftOut.Add(entry.Name);
            else if (row.Theirs.First(entries.ContainsKey) == name) Place(row, entries);
        Shapes = _byOurName.ToDictionary(pair => pair.Key, pair => pair.Value.Shape);
    }

    private void Place(KeyRow row, Dictionary<string, TensorEntry> entries)
    {
        var absent = row.Theirs.Where(name => !entries.ContainsKey(name)).ToList();
        Missing.AddRange(absent.Select(name => Prefix + name));
        if (absent.Count > 0) return;
        foreach (var (ours, pieces) in ParameterPieces.Of(row, [.. row.Theirs.Select(name => entries[name])], Origin))
            if (!_byOurName.TryAdd(ours, pieces))
                throw new DiffSynthException($"'{Origin}' holds '{ours}' twice, as '{_byOurName[ours].Names}' and as '{pieces.Names}'. The file mixes two layouts; save it again with one.");
    }

    /// <summary>What the user would call the source: a file or a folder.</summary>
    public string Origin => _source.Path;

    public string Prefix { get; }

    /// <summary>Every tensor behind the prefix, as the source has it.</summary>
    public IReadOnlyList<TensorEntry> Entries { get; }

    /// <summary>Shapes under our names.</summary>
    public IReadOnlyDictionary<string, long[]> Shapes { get; }

    /// <summary>Names in the source that the layout doesn't know.</summary>
    public List<string> Unknown { get; } = [];

    /// <summary>Names in the source that are not read on purpose.</summary>
    public List<string> LeftOut { get; } = [];

    /// <summary>Names of tensors that the layout joins with others that the source holds, and that it lacks itself.</summary>
    public List<string> Missing { get; } = [];

    /// <summary>Where the values of one of our parameters are.</summary>
    public bool TryGet(string ours, out ParameterPieces pieces) => _byOurName.TryGetValue(ours, out pieces!);

    /// <summary>One side of a tensor's shape, which tells a size of the network.</summary>
    /// <exception cref="DiffSynthException">There is no such tensor, or it has no such side.</exception>
    public long Side(string ours, int axis)
    {
        if (!_byOurName.TryGetValue(ours, out var pieces))
            throw new DiffSynthException($"'{Origin}' lacks the tensor '{Prefix}{ours}'. Download the file again or choose a complete one.");
        return axis < pieces.Shape.Length ? pieces.Shape[axis]
            : throw new DiffSynthException($"'{Origin}': the tensor '{pieces.Names}' has the shape [{string.Join(", ", pieces.Shape)}], expected {axis + 1} sides or more.");
    }

    /// <summary>The values that fill one of our parameters, as stored: over the mapped file where they lie there in one piece. The caller owns it.</summary>
    public Tensor Read(string ours)
    {
        using var scope = NewDisposeScope();
        var views = ReadViews(ours);
        return (views.Count == 1 ? views[0].contiguous() : cat([.. views])).MoveToOuterDisposeScope();
    }

    /// <summary>The parts along the first axis of one of our parameters, as stored, over the mapped file where alignment and layout allow. The caller owns them.</summary>
    public IReadOnlyList<Tensor> ReadViews(string ours) => _byOurName[ours].Read(_source);

    /// <summary>Takes the file pages of a parameter's tensors out of resident memory, when the parameter is a copy.</summary>
    public void DropPages(string ours)
    {
        foreach (var name in _byOurName[ours].Pieces.Select(piece => piece.Entry.Name).Distinct()) _source.DropPages(name);
    }
}
