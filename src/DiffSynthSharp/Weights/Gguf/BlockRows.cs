namespace DiffSynthSharp.Weights.Gguf;

/// <summary>Rows whose elements are packed into blocks.</summary>
/// <remarks>A row needn't be whole blocks: where a file keeps a tensor's true shape apart, blocks run through the elements as they lie.</remarks>
internal sealed unsafe class BlockRows : CodedRows
{
    private readonly BlockFormat _format;

    /// <param name="region">The file's bytes.</param>
    /// <param name="entry">A validated entry of it that has blocks.</param>
    public BlockRows(ByteRegion region, TensorEntry entry) : base(region, entry)
        => _format = entry.Blocks ?? throw new ArgumentException($"'{entry.Name}' has no blocks.", nameof(entry));

    protected override void Decode(byte* codes, long first, long count, float* to)
    {
        var end = first + count;
        first += Partly(codes, first, end, ref to);
        var blocks = (end - first) / _format.Elements;
        _format.Decode(codes + first / _format.Elements * _format.Bytes, blocks, to);
        to += blocks * _format.Elements;
        Partly(codes, first + blocks * _format.Elements, end, ref to);
    }

    // The elements up to the next block's border, where the range doesn't begin at one or ends before it.
    private long Partly(byte* codes, long first, long end, ref float* to)
    {
        var skipped = (int)(first % _format.Elements);
        var taken = (int)Math.Min(_format.Elements - skipped, end - first);
        if (taken == 0 || taken == _format.Elements) return 0;
        var block = stackalloc float[BlockFormat.MostElements];
        _format.Decode(codes + first / _format.Elements * _format.Bytes, 1, block);
        new ReadOnlySpan<float>(block + skipped, taken).CopyTo(new Span<float>(to, taken));
        to += taken;
        return taken;
    }
}
