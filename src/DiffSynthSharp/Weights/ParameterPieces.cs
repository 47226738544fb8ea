namespace DiffSynthSharp.Weights;

/// <summary>Rows of a stored tensor along its first axis.</summary>
/// <param name="Entry">The tensor.</param>
/// <param name="Start">First row.</param>
/// <param name="Rows">How many; 0 for a tensor without axes, which is taken whole.</param>
internal readonly record struct TensorPiece(TensorEntry Entry, long Start, long Rows)
{
    /// <summary>Whether this is the tensor itself.</summary>
    public bool IsWhole => Entry.Shape.Length == 0 || Start == 0 && Rows == Entry.Shape[0];
}

/// <summary>Where in a checkpoint the values of a parameter are: pieces that follow one another along the first axis.</summary>
/// <param name="Pieces">One or more, of tensors of equal other sides.</param>
/// <param name="IsTransposed">Whether the one piece is a matrix that lies the other way round.</param>
internal sealed record ParameterPieces(IReadOnlyList<TensorPiece> Pieces, bool IsTransposed)
{
    /// <summary>The parameter's shape.</summary>
    public long[] Shape { get; } = ShapeOf(Pieces, IsTransposed);

    /// <summary>The stored tensors' names, for messages.</summary>
    public string Names => string.Join(" + ", Pieces.Select(piece => piece.Entry.Name).Distinct());

    /// <summary>What a row of a key table makes of the tensors it names.</summary>
    /// <param name="row">Names without a prefix.</param>
    /// <param name="entries">The tensors of <see cref="KeyRow.Theirs"/>.</param>
    /// <param name="origin">What errors call the source.</param>
    /// <exception cref="DiffSynthException">The tensors can't be joined, cut or turned so.</exception>
    public static IEnumerable<(string Ours, ParameterPieces Pieces)> Of(KeyRow row, IReadOnlyList<TensorEntry> entries, string origin)
    {
        if (row.Change == KeyChange.Transposed && entries[0].Shape.Length != 2) throw Unfit(entries[0], origin, "a matrix");
        if (row.Change == KeyChange.Swapped) entries.ToList().ForEach(entry => Divide(entry, 2, origin));
        if (entries.FirstOrDefault(entry => !RestOf(entry).SequenceEqual(RestOf(entries[0]))) is { } other)
            throw Unfit(other, origin, $"the shape of '{entries[0].Name}', {entries[0].ShapeText}, but for the first side");
        var parts = row.Ours.Count;
        for (var part = 0; part < parts; part++)
        {
            var pieces = parts > 1
                ? [new TensorPiece(entries[0], part * Divide(entries[0], parts, origin), Divide(entries[0], parts, origin))]
                : entries.SelectMany(entry => Whole(entry, row.Change)).ToList();
            yield return (row.Ours[part], new(pieces, row.Change == KeyChange.Transposed));
        }
    }

    private static IEnumerable<TensorPiece> Whole(TensorEntry entry, KeyChange change)
    {
        var rows = entry.Shape.Length == 0 ? 0 : entry.Shape[0];
        return change == KeyChange.Swapped ? [new(entry, rows / 2, rows / 2), new(entry, 0, rows / 2)] : [new(entry, 0, rows)];
    }

    private static long Divide(TensorEntry entry, int parts, string origin)
        => entry.Shape.Length > 0 && entry.Shape[0] % parts == 0 ? entry.Shape[0] / parts : throw Unfit(entry, origin, $"a first side that {parts} divides");

    private static IEnumerable<long> RestOf(TensorEntry entry) => entry.Shape.Skip(1);

    private static DiffSynthException Unfit(TensorEntry entry, string origin, string expected)
        => new($"'{origin}': tensor '{entry.Name}' has the shape {entry.ShapeText}, expected {expected}. The file is damaged or of another kind.");

    private static long[] ShapeOf(IReadOnlyList<TensorPiece> pieces, bool isTransposed)
    {
        var shape = pieces[0].Entry.Shape;
        if (shape.Length == 0) return [];
        return isTransposed ? [shape[1], shape[0]] : [pieces.Sum(piece => piece.Rows), .. shape[1..]];
    }
}
