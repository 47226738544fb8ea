using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>A parameter in the form that its file has, widened when a layer computes with it.</summary>
internal abstract class StoredWeight : IDisposable
{
    /// <summary>The parameter's shape.</summary>
    public abstract long[] Shape { get; }

    /// <summary>Bytes that it takes as stored.</summary>
    public abstract long StoredBytes { get; }

    /// <summary>Where it is computed with; the stored form lies in main memory or in a file.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>Length of the first axis.</summary>
    public long Rows => Shape.Length == 0 ? 1 : Shape[0];

    /// <summary>Elements behind each index of the first axis.</summary>
    public long Columns => Shape.Skip(1).Aggregate(1L, (product, side) => product * side);

    /// <summary>Some rows in the element type computed in. The caller owns them, and must not write to them.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many; they must be there.</param>
    /// <param name="type">float32, float64, float16 or bfloat16.</param>
    /// <returns>(count, columns), on <see cref="Device"/></returns>
    public Tensor Widen(long first, long count, ScalarType type)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + count, Rows);
        var rows = WidenRows(first, count, type);
        if (Device.type == TorchSharp.DeviceType.CPU) return rows;
        using (rows) return rows.to(Device);
    }

    /// <summary>The whole parameter in the element type computed in. The caller owns it, and must not write to it.</summary>
    public Tensor Widen(ScalarType type)
    {
        using var rows = Widen(0, Rows, type);
        return rows.view(Shape);
    }

    /// <summary><see cref="Widen(long, long, ScalarType)"/> on the CPU.</summary>
    protected abstract Tensor WidenRows(long first, long count, ScalarType type);

    /// <summary>A layer is about to widen this; once before each use.</summary>
    public virtual void BeginUse()
    {
    }

    /// <summary>The layer has done with what it widened.</summary>
    public virtual void EndUse()
    {
    }

    /// <summary>Lets go of the stored form.</summary>
    public abstract void Dispose();
}
