using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>Rows of codes that are decoded to float32 here, by as many threads as libtorch's operators take.</summary>
internal abstract unsafe class CodedRows : StoredRows
{
    // Long enough to be worth a thread, short enough to stay in its cache.
    private const long Step = 1 << 16;

    private readonly byte* _codes;

    /// <param name="region">The file's bytes.</param>
    /// <param name="entry">A validated entry of it, whose elements lie side by side.</param>
    protected CodedRows(ByteRegion region, TensorEntry entry) : base(region, entry) => _codes = region.Address(entry.Offset);

    /// <summary>Decodes elements.</summary>
    /// <param name="codes">The tensor's first byte.</param>
    /// <param name="first">The first element, counted through all rows.</param>
    /// <param name="count">How many.</param>
    /// <param name="to">Where the values go.</param>
    protected abstract void Decode(byte* codes, long first, long count, float* to);

    public override void WidenInto(long first, long count, Tensor target)
    {
        if (target.dtype == ScalarType.Float32)
        {
            Decode(first * Columns, count * Columns, (float*)TensorAddress.Of(target));
            return;
        }
        using var widened = empty(count, Columns);
        Decode(first * Columns, count * Columns, (float*)TensorAddress.Of(widened));
        target.copy_(widened);
    }

    private void Decode(long first, long count, float* to)
    {
        // Chunks begin at multiples of the step, which whole blocks fill.
        var chunks = (first + count + Step - 1) / Step - first / Step;
        void Run(long chunk)
        {
            var from = Math.Max((first / Step + chunk) * Step, first);
            var end = Math.Min((first / Step + chunk + 1) * Step, first + count);
            Decode(_codes, from, end - from, to + (from - first));
        }
        if (chunks > 1) Parallel.For(0, chunks, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, Run);
        else if (count > 0) Run(0);
    }
}
