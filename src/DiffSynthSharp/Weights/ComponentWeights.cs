using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>
/// The tensors of one network inside a checkpoint, under the network's own names: those behind a prefix, translated by a key map.
/// </summary>
internal sealed class ComponentWeights
{
    private readonly WeightScales _scales;
    private readonly Dictionary<string, ParameterPieces> _byOurName = new(StringComparer.Ordinal);

    /// <param name="source">Where the tensors are; it must stay open as long as they are read.</param>
    /// <param name="prefix">What stands before this network's tensors, with the closing dot; empty for none.</param>
    /// <param name="map">The layout; given the names without the prefix, null says that they are not this network's.</param>
    /// <returns>The component, or null when the source doesn't hold it.</returns>
    public static ComponentWeights? Find(ITensorSource source, string prefix, Func<IReadOnlyCollection<string>, KeyMap?> map)
    {
        var behind = source.Entries.Values.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(entry => entry.Name[prefix.Length..]);
        if (behind.Count == 0) return null;
        var scales = WeightScales.TakeOut(source, behind);
        return map(behind.Keys) is { } layout ? new ComponentWeights(source, prefix, behind, scales, layout) : null;
    }

    private ComponentWeights(ITensorSource source, string prefix, Dictionary<string, TensorEntry> entries, WeightScales scales, KeyMap map)
    {
        (Source, _scales, Prefix, Entries) = (source, scales, prefix, [.. entries.Values]);
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

    /// <summary>Where the tensors are.</summary>
    public ITensorSource Source { get; }

    /// <summary>What the user would call the source: a file or a folder.</summary>
    public string Origin => Source.Path;

    public string Prefix { get; }

    /// <summary>Every tensor behind the prefix, as the source has it, but for scales of others.</summary>
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

    /// <summary>Whether a tensor of <see cref="Entries"/> is multiplied by numbers that stand beside it.</summary>
    public bool IsScaled(TensorEntry entry) => _scales.Has(entry);

    /// <summary>One side of a tensor's shape, which tells a size of the network.</summary>
    /// <exception cref="DiffSynthException">There is no such tensor, or it has no such side.</exception>
    public long Side(string ours, int axis)
    {
        if (!_byOurName.TryGetValue(ours, out var pieces))
            throw new DiffSynthException($"'{Origin}' lacks the tensor '{Prefix}{ours}'. Download the file again or choose a complete one.");
        return axis < pieces.Shape.Length ? pieces.Shape[axis]
            : throw new DiffSynthException($"'{Origin}': the tensor '{pieces.Names}' has the shape [{string.Join(", ", pieces.Shape)}], expected {axis + 1} sides or more.");
    }

    /// <summary>The values that fill one of our parameters: as stored where they are one plain tensor, else in float32. The caller owns them.</summary>
    public Tensor Read(string ours)
    {
        if (_byOurName[ours] is { IsTransposed: false, Pieces: [{ IsWhole: true, Entry: var entry }] } && !_scales.Has(entry)) return Source.Read(entry.Name);
        using var stored = Store(ours, Shapes[ours]);
        return stored.View(ScalarType.Float32) ?? stored.Copy(ScalarType.Float32);
    }

    /// <summary>What fills one of our parameters, in the form that the file has. It stays readable when the source is closed; the caller owns it.</summary>
    /// <param name="ours">Our name.</param>
    /// <param name="shape">The parameter's shape: that of <see cref="Shapes"/>, give or take sides of 1 at its end.</param>
    /// <exception cref="DiffSynthException">The file has scales for it that don't fit.</exception>
    public FileWeight Store(string ours, long[] shape)
    {
        var (pieces, parts) = (_byOurName[ours], new List<RowRange>());
        try
        {
            foreach (var piece in pieces.Pieces)
            {
                var rows = Source.Store(piece.Entry.Name, _scales.Of(piece.Entry));
                parts.Add(piece.IsWhole ? new(rows, 0, rows.Rows) : new(rows, piece.Start, piece.Rows));
            }
            return new FileWeight(shape, parts, pieces.IsTransposed);
        }
        catch
        {
            foreach (var part in parts) part.Of.Dispose();
            throw;
        }
    }
}
