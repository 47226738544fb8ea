using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace DiffSynthSharp.Kernels;

/// <summary><c>y = x Wᵀ + b</c> for rows of float32 on the CPU, by the faster of the two libraries that libtorch has for it.</summary>
/// <remarks>
/// libtorch multiplies matrices with MKL, which on processors that aren't Intel's keeps to AVX2, and convolves with oneDNN, which takes AVX-512 wherever it is: a convolution
/// of 1×1 over channels-last rows is the same product in half the time there (benchmarks/results/linear.md).
/// </remarks>
internal static class RowProduct
{
    private const int GenuineIntel = 0x756e6547; // "Genu", the first letters of the vendor's name
    private const long LeastRows = 64;
    private const long LeastMultiplications = 1 << 24;

    /// <summary>Whether large products are convolutions on this machine.</summary>
    public static bool IsConvolution { get; } = Avx512F.IsSupported && X86Base.CpuId(0, 0).Ebx != GenuineIntel;

    /// <summary>Whether a product is made by convolution here: large, float32, on the CPU, without gradients.</summary>
    /// <param name="x">(…, inputs)</param>
    /// <param name="weight">(outputs, inputs)</param>
    public static bool Convolves(Tensor x, Tensor weight)
    {
        if (!IsConvolution || x.dtype != ScalarType.Float32 || x.device_type != TorchSharp.DeviceType.CPU || is_grad_enabled() && (x.requires_grad || weight.requires_grad)) return false;
        var rows = x.numel() / weight.shape[1];
        return rows >= LeastRows && rows * weight.numel() >= LeastMultiplications;
    }

    /// <summary>The product.</summary>
    /// <param name="x">(…, inputs)</param>
    /// <param name="weight">(outputs, inputs)</param>
    /// <param name="bias">(outputs), or null</param>
    /// <returns>(…, outputs)</returns>
    public static Tensor Of(Tensor x, Tensor weight, Tensor? bias) => Convolves(x, weight) ? Convolve(x, weight, bias) : nn.functional.linear(x, weight, bias);

    /// <summary>The product as a convolution.</summary>
    /// <param name="x">(…, inputs) float32</param>
    /// <param name="weight">(outputs, inputs) float32</param>
    /// <param name="bias">(outputs) float32, or null</param>
    /// <returns>(…, outputs)</returns>
    public static Tensor Convolve(Tensor x, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var (outputs, inputs) = (weight.shape[0], weight.shape[1]);
        var map = x.reshape(1, 1, -1, inputs).permute(0, 3, 1, 2); // channels-last (1, inputs, 1, rows)
        var made = nn.functional.conv2d(map, weight.view(outputs, inputs, 1, 1), bias);
        return made.permute(0, 2, 3, 1).reshape([.. x.shape[..^1], outputs]).MoveToOuterDisposeScope();
    }
}
