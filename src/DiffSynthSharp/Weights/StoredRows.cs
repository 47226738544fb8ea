using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>A tensor in the form that its file has, seen as a matrix: one row for each index of its first axis. Rows are widened when they are needed.</summary>
internal abstract class StoredRows : IDisposable
{
    private readonly ByteRegion _region;
    private readonly long _offset;
    private bool _disposed;

    /// <param name="region">The file's bytes; held until this is disposed.</param>
    /// <param name="entry">A validated entry of it.</param>
    protected StoredRows(ByteRegion region, TensorEntry entry)
    {
        (_region, _offset, Bytes) = (region, entry.Offset, entry.Strides is null ? entry.StoredBytes : 0);
        Rows = RowsOf(entry);
        Columns = Rows == 0 ? 0 : entry.Elements / Rows;
        region.Hold();
    }

    /// <summary>Number of rows: 1 of a single number.</summary>
    public long Rows { get; }

    /// <summary>Elements of each row.</summary>
    public long Columns { get; }

    /// <summary>Bytes of the file.</summary>
    public long Bytes { get; }

    /// <summary>Rows that an entry's tensor has.</summary>
    public static long RowsOf(TensorEntry entry) => entry.Shape.Length == 0 ? 1 : entry.Shape[0];

    /// <summary>Writes rows into a tensor, multiplied by the scale.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many.</param>
    /// <param name="target">(count, columns), contiguous, on the CPU, of a floating-point type.</param>
    public abstract void WidenInto(long first, long count, Tensor target);

    /// <summary>Whether <see cref="View"/> gives this type over the file's own memory.</summary>
    public virtual bool Has(ScalarType type) => false;

    /// <summary>Rows as stored; only where <see cref="Has"/> says so.</summary>
    public virtual Tensor View(long first, long count) => throw new NotSupportedException($"{GetType().Name} must be widened.");

    /// <summary>All rows as float32: (rows, columns).</summary>
    public Tensor Widened()
    {
        var target = empty(Rows, Columns);
        if (target.numel() > 0) WidenInto(0, Rows, target);
        return target;
    }

    /// <summary>Reads rows into resident memory; returns when they are there.</summary>
    public void ReadPages(long first, long count)
    {
        var (start, end) = Span(first, count);
        _region.ReadPages(start, end - start);
    }

    /// <summary>Gives the memory behind rows back to the system; they are read again when they are needed.</summary>
    public void DropPages(long first, long count)
    {
        var (start, end) = Span(first, count);
        _region.DropPages(start, end - start);
    }

    // A row of blocks may begin inside a byte of another's; the pages at the ends are not dropped in any case.
    private (long Start, long End) Span(long first, long count)
        => Rows == 0 ? (_offset, _offset) : (_offset + (long)((Int128)Bytes * first / Rows), _offset + (long)((Int128)Bytes * (first + count) / Rows));

    /// <summary>Lets go of the file.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _region.LetGo();
    }
}
