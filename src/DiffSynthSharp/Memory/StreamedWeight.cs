using DiffSynthSharp.Layers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Memory;

/// <summary>A parameter whose stored form is read ahead of its use, and let go of after it unless it stays.</summary>
internal sealed class StreamedWeight : StoredWeight
{
    private readonly FileWeight _file;
    private readonly ReadAhead _order;

    /// <param name="file">The stored form; owned by this.</param>
    /// <param name="order">Shared by the weights of one network.</param>
    /// <param name="stays">Whether what was read stays in resident memory.</param>
    public StreamedWeight(FileWeight file, ReadAhead order, bool stays) => (_file, _order, Stays) = (file, order, stays);

    /// <inheritdoc/>
    public override long[] Shape => _file.Shape;

    /// <inheritdoc/>
    public override long StoredBytes => _file.StoredBytes;

    /// <summary>Whether what was read stays.</summary>
    public bool Stays { get; }

    /// <summary>The weight that was used after this one the last time; belongs to <see cref="ReadAhead"/>.</summary>
    public StreamedWeight? Next { get; set; }

    /// <summary>Whether <see cref="Next"/> was seen to follow, and isn't just the next one of the layers' order; belongs to <see cref="ReadAhead"/>.</summary>
    public bool KnowsNext { get; set; }

    /// <summary>Whether it was ever used; belongs to <see cref="ReadAhead"/>.</summary>
    public bool WasUsed { get; set; }

    /// <summary>How far reading is; belongs to <see cref="ReadAhead"/>.</summary>
    public ReadState State { get; set; }

    public override void BeginUse() => _order.Need(this);

    public override void EndUse() => _order.Done(this);

    // What is let go of must not be computed from later.
    protected override Tensor WidenRows(long first, long count, ScalarType type)
        => Stays ? _file.Widen(first, count, type) : _file.CopyRows(first, count, type);

    /// <summary>Reads the stored form into resident memory.</summary>
    public void ReadPages() => _file.ReadPages();

    /// <summary>Takes the stored form out of resident memory.</summary>
    public void DropPages() => _file.DropPages();

    /// <inheritdoc/>
    public override void Dispose()
    {
        _order.Forget(this);
        _file.Dispose();
    }
}
