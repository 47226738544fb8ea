using System.Numerics;
using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>Some rows of a stored tensor.</summary>
/// <param name="Of">The tensor.</param>
/// <param name="Start">The first row.</param>
/// <param name="Count">How many.</param>
internal readonly record struct RowRange(StoredRows Of, long Start, long Count);

/// <summary>A parameter as its checkpoint has it: rows of one tensor, or of several, that follow one another.</summary>
internal sealed class FileWeight : StoredWeight
{
    // Widened rows of different layers take turns in few sizes of memory.
    private const long SmallestRoom = 1 << 18;

    private readonly IReadOnlyList<RowRange> _parts;
    private readonly bool _isTransposed;

    /// <param name="shape">The parameter's shape.</param>
    /// <param name="parts">All of the same row length, with as many rows together as the shape; owned by this.</param>
    /// <param name="isTransposed">Whether the one part is a matrix that lies the other way round.</param>
    public FileWeight(long[] shape, IReadOnlyList<RowRange> parts, bool isTransposed = false)
    {
        (Shape, _parts, _isTransposed) = (shape, parts, isTransposed);
        StoredBytes = parts.Sum(part => part.Of.Bytes * part.Count / Math.Max(part.Of.Rows, 1));
    }

    /// <inheritdoc/>
    public override long[] Shape { get; }

    /// <inheritdoc/>
    public override long StoredBytes { get; }

    /// <summary>Number of elements.</summary>
    public long Elements => Rows * Columns;

    /// <summary>Whether using the parameter in this type costs no conversion: it lies in the file as it is wanted.</summary>
    public bool IsReady(ScalarType type) => !_isTransposed && _parts.Count == 1 && _parts[0].Of.Has(type);

    /// <summary>The whole parameter over the file's own memory, or null when it isn't stored so.</summary>
    public Tensor? View(ScalarType type)
    {
        if (!IsReady(type)) return null;
        using var rows = _parts[0].Of.View(_parts[0].Start, Rows);
        return rows.view(Shape);
    }

    /// <summary>The whole parameter in memory of its own.</summary>
    public Tensor Copy(ScalarType type)
    {
        using var rows = empty(Rows, Columns, dtype: type);
        Fill(rows, 0);
        return rows.view(Shape);
    }

    /// <summary>Rows in memory of their own, also where the file has them as they are wanted.</summary>
    public Tensor CopyRows(long first, long count, ScalarType type)
    {
        var rows = Room(count, type);
        Fill(rows, first);
        return rows;
    }

    protected override Tensor WidenRows(long first, long count, ScalarType type)
        => IsReady(type) ? _parts[0].Of.View(_parts[0].Start + first, count) : CopyRows(first, count, type);

    /// <summary>Reads the stored form into resident memory; returns when it is there.</summary>
    public void ReadPages()
    {
        foreach (var part in _parts) part.Of.ReadPages(part.Start, part.Count);
    }

    /// <summary>Takes the stored form out of resident memory; it is read again when it is needed.</summary>
    public void DropPages()
    {
        foreach (var part in _parts) part.Of.DropPages(part.Start, part.Count);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var part in _parts) part.Of.Dispose();
    }

    private Tensor Room(long count, ScalarType type)
    {
        var elements = count * Columns;
        if (elements is < SmallestRoom or > Linear.PanelElements) return empty(count, Columns, dtype: type);
        using var room = empty((long)BitOperations.RoundUpToPowerOf2((ulong)elements), dtype: type);
        using var used = room.narrow(0, 0, elements);
        return used.view(count, Columns);
    }

    // Rows from `first` on, as many as the target has.
    private void Fill(Tensor target, long first)
    {
        if (_isTransposed)
        {
            FillTransposed(target, first);
            return;
        }
        long before = 0, end = first + target.shape[0];
        foreach (var part in _parts)
        {
            var (from, to) = (Math.Max(first, before), Math.Min(end, before + part.Count));
            if (from < to)
            {
                using var rows = target.narrow(0, from - first, to - from);
                part.Of.WidenInto(part.Start + from - before, to - from, rows);
            }
            before += part.Count;
        }
    }

    private void FillTransposed(Tensor target, long first)
    {
        using var scope = NewDisposeScope();
        target.copy_(_parts[0].Of.Widened().t().narrow(0, first, target.shape[0]));
    }
}
