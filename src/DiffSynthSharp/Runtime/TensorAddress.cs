using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace DiffSynthSharp.Runtime;

/// <summary>The memory behind a tensor, for kernels and readers.</summary>
internal static unsafe class TensorAddress
{
    /// <summary>The address of the tensor's first element; valid while the tensor lives.</summary>
    public static byte* Of(Tensor tensor)
    {
        var data = THSTensor_data(tensor.Handle);
        GC.KeepAlive(tensor);
        return (byte*)data;
    }

    [DllImport("LibTorchSharp")]
    private static extern nint THSTensor_data(nint handle);
}
