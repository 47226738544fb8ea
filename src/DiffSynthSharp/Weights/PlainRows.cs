using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>Rows of elements that libtorch knows: converted by it, or used over the file itself.</summary>
internal sealed class PlainRows : StoredRows
{
    private readonly ByteRegion _region;
    private readonly TensorEntry _entry;
    private readonly float[]? _scale;

    /// <param name="region">The file's bytes.</param>
    /// <param name="entry">A validated entry of it.</param>
    /// <param name="scale">One number, one for each row, or null.</param>
    public PlainRows(ByteRegion region, TensorEntry entry, float[]? scale) : base(region, entry) => (_region, _entry, _scale) = (region, entry, scale);

    public override void WidenInto(long first, long count, Tensor target)
    {
        using var rows = View(first, count);
        target.copy_(rows);
        if (_scale is null) return;
        using var scale = tensor(_scale.Length == 1 ? _scale : _scale[(int)first..(int)(first + count)]);
        using var column = scale.view(-1, 1);
        target.mul_(column);
    }

    public override bool Has(ScalarType type)
        => _scale is null && _entry.Type.Scalar() == type && _entry.Strides is null && TensorMemory.IsAligned(_region, _entry);

    public override Tensor View(long first, long count)
    {
        if (_entry.Strides is null)
            return TensorMemory.Read(_region, _entry with { Shape = [count, Columns], Offset = _entry.Offset + first * Columns * _entry.Type.Size() });
        using var whole = TensorMemory.Read(_region, _entry);
        using var matrix = whole.reshape(Rows, Columns);
        return matrix.narrow(0, first, count);
    }
}
