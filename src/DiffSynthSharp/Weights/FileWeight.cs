using System.Numerics;
using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>A parameter as its checkpoint has it: one tensor, or several whose rows follow each other.</summary>
internal sealed class FileWeight : StoredWeight
{
    // Widened rows of different layers take turns in few sizes of memory.
    private const long SmallestRoom = 1 << 18;

    private readonly IReadOnlyList<StoredRows> _parts;

    /// <param name="shape">The parameter's shape.</param>
    /// <param name="parts">All of the same row length, with as many rows together as the shape; owned by this.</param>
    public FileWeight(long[] shape, IReadOnlyList<StoredRows> parts)
    {
        (Shape, _parts) = (shape, parts);
        StoredBytes = parts.Sum(part => part.Bytes);
    }

    /// <inheritdoc/>
    public override long[] Shape { get; }

    /// <inheritdoc/>
    public override long StoredBytes { get; }

    /// <summary>Number of elements.</summary>
    public long Elements => Rows * Columns;

    /// <summary>Whether using the parameter in this type costs no conversion: it lies in the file as it is wanted.</summary>
    public bool IsReady(ScalarType type) => _parts.Count == 1 && _parts[0].Has(type);

    /// <summary>The whole parameter over the file's own memory, or null when it isn't stored so.</summary>
    public Tensor? View(ScalarType type)
    {
        if (!IsReady(type)) return null;
        using var rows = _parts[0].View(0, Rows);
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
        => IsReady(type) ? _parts[0].View(first, count) : CopyRows(first, count, type);

    /// <summary>Reads the stored form into resident memory; returns when it is there.</summary>
    public void ReadPages()
    {
        foreach (var part in _parts) part.ReadPages();
    }

    /// <summary>Takes the stored form out of resident memory; it is read again when it is needed.</summary>
    public void DropPages()
    {
        foreach (var part in _parts) part.DropPages();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (var part in _parts) part.Dispose();
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
        long before = 0, end = first + target.shape[0];
        foreach (var part in _parts)
        {
            var (from, to) = (Math.Max(first, before), Math.Min(end, before + part.Rows));
            if (from < to)
            {
                using var rows = target.narrow(0, from - first, to - from);
                part.WidenInto(from - before, to - from, rows);
            }
            before += part.Rows;
        }
    }
}
