using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>Tensors over memory that libtorch doesn't own.</summary>
/// <remarks>TorchSharp's public factories copy; its native <c>THSTensor_new</c> takes an address and a deleter (dotnet/TorchSharp,
/// src/Native/LibTorchSharp/THSTensor.cpp).</remarks>
internal static unsafe class TensorMemory
{
    // libtorch hands the deleter nothing but the address, which several tensors may share.
    private static readonly Dictionary<nint, (ByteRegion Region, int Tensors)> s_wrapped = [];

    /// <summary>A tensor whose elements are the region's bytes themselves. The region stays alive as long as the tensor or any view of it.</summary>
    /// <param name="region">The bytes.</param>
    /// <param name="offset">Where the first element lies.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Dimensions; the elements lie row by row and must not leave the region.</param>
    public static Tensor Wrap(ByteRegion region, long offset, StoredType type, ReadOnlySpan<long> shape)
    {
        var address = (nint)region.Address(offset);
        Hold(address, region);
        nint handle;
        fixed (long* sides = shape)
            handle = THSTensor_new(address, &Release, sides, shape.Length, (sbyte)type.Scalar(), (sbyte)type.Scalar(), 0, 0, 0);
        if (handle == 0) CheckForErrors();
        return Tensor.UnsafeCreateTensor(handle);
    }

    /// <summary>A contiguous tensor of an entry's elements: over the region itself where alignment and layout allow, else a copy.</summary>
    /// <param name="region">The bytes of the file.</param>
    /// <param name="entry">A validated entry of it.</param>
    public static Tensor Read(ByteRegion region, TensorEntry entry)
    {
        if (entry.Elements == 0) return empty(entry.Shape, dtype: entry.Type.Scalar());
        if (entry.Type == StoredType.Bool || !IsAligned(region, entry)) return Copy(region, entry);
        if (entry.Strides is null) return Wrap(region, entry.Offset, entry.Type, entry.Shape);
        using var scope = NewDisposeScope();
        var span = Wrap(region, entry.Offset, entry.Type, [entry.SpanElements]);
        return span.as_strided(entry.Shape, entry.Strides).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Whether an entry's elements lie at multiples of their size.</summary>
    public static bool IsAligned(ByteRegion region, TensorEntry entry) => (nint)region.Address(entry.Offset) % entry.Type.Size() == 0;

    // Misaligned elements are moved; truth values are made 0 or 1, which is all that libtorch expects.
    private static Tensor Copy(ByteRegion region, TensorEntry entry)
    {
        using var scope = NewDisposeScope();
        var elements = empty(entry.SpanElements, dtype: entry.Type.Scalar());
        var bytes = entry.SpanElements * entry.Type.Size();
        Buffer.MemoryCopy(region.Address(entry.Offset), TensorAddress.Of(elements), bytes, bytes);
        if (entry.Type == StoredType.Bool) elements = Wrap(region, entry.Offset, StoredType.U8, [bytes]).ne(0);
        return elements.as_strided(entry.Shape, entry.Strides ?? RowMajor(entry.Shape)).contiguous().MoveToOuterDisposeScope();
    }

    private static long[] RowMajor(long[] shape)
    {
        var strides = new long[shape.Length];
        for (var (i, step) = (shape.Length - 1, 1L); i >= 0; step *= shape[i--]) strides[i] = step;
        return strides;
    }

    private static void Hold(nint address, ByteRegion region)
    {
        region.Hold();
        lock (s_wrapped)
            s_wrapped[address] = (region, s_wrapped.TryGetValue(address, out var known) ? known.Tensors + 1 : 1);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(nint address)
    {
        ByteRegion region;
        lock (s_wrapped)
        {
            (region, var tensors) = s_wrapped[address];
            if (tensors == 1) s_wrapped.Remove(address);
            else s_wrapped[address] = (region, tensors - 1);
        }
        region.LetGo();
    }

    [DllImport("LibTorchSharp")]
    private static extern nint THSTensor_new(
        nint data, delegate* unmanaged[Cdecl]<nint, void> deleter, long* sizes, int rank, sbyte type, sbyte dtype, int device, int index, byte requiresGrad);
}
