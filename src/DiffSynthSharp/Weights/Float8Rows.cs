namespace DiffSynthSharp.Weights;

/// <summary>Rows of 8-bit floats, with or without a scale.</summary>
internal sealed unsafe class Float8Rows : CodedRows
{
    private readonly float[] _values;
    private readonly float[]? _scaleOfRow;

    /// <param name="region">The file's bytes.</param>
    /// <param name="entry">A validated entry of type F8_E4M3 or F8_E5M2.</param>
    /// <param name="scale">One number, one for each row, or null.</param>
    public Float8Rows(ByteRegion region, TensorEntry entry, float[]? scale) : base(region, entry)
    {
        _values = [.. Enumerable.Range(0, 256).Select(code => Float8.Value(entry.Type, (byte)code))];
        if (scale is { Length: 1 })
            for (var code = 0; code < _values.Length; code++) _values[code] *= scale[0];
        else _scaleOfRow = scale;
    }

    protected override void Decode(byte* codes, long first, long count, float* to)
    {
        fixed (float* values = _values)
        {
            var from = codes + first;
            var i = 0L;
            for (; i <= count - 8; i += 8)
            {
                var eight = BitConverter.IsLittleEndian ? *(ulong*)(from + i) : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(*(ulong*)(from + i));
                to[i] = values[(byte)eight];
                to[i + 1] = values[(byte)(eight >> 8)];
                to[i + 2] = values[(byte)(eight >> 16)];
                to[i + 3] = values[(byte)(eight >> 24)];
                to[i + 4] = values[(byte)(eight >> 32)];
                to[i + 5] = values[(byte)(eight >> 40)];
                to[i + 6] = values[(byte)(eight >> 48)];
                to[i + 7] = values[eight >> 56];
            }
            for (; i < count; i++) to[i] = values[from[i]];
        }
        if (_scaleOfRow is null) return;
        for (var i = 0L; i < count; i++) to[i] *= _scaleOfRow[(first + i) / Columns];
    }
}
