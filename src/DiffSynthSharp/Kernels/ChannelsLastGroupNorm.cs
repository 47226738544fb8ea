using System.Numerics;
using System.Runtime.InteropServices;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Kernels;

/// <summary>Group normalisation of channels-last maps with its gradient, for training on the CPU.</summary>
/// <remarks>
/// libtorch's own needs longer for a narrow channels-last map than the convolution behind it. The gradient is that of PyTorch's
/// aten/src/ATen/native/cpu/group_norm_kernel.cpp: with sums over a group's N values, a = Σ w·dy·x and b = Σ w·dy,
/// dx = r·w·dy + k·x − k·mean − b·r/N where k = (b·mean − a)·r³/N.
/// </remarks>
internal static unsafe class ChannelsLastGroupNorm
{
    private static readonly int s_lanes = Vector<float>.Count;

    /// <summary>Whether a map can go through this kernel: on the CPU, channels-last, float32 or bfloat16, whole vectors of channels.</summary>
    public static bool Fits(Tensor x, Tensor weight)
        => x.device.type == TorchSharp.DeviceType.CPU && weight.dtype == ScalarType.Float32 && x.dtype is ScalarType.Float32 or ScalarType.BFloat16
            && x.dim() == 4 && x.shape[1] % s_lanes == 0 && IsChannelsLast(x.shape, x.stride());

    private static bool IsChannelsLast(long[] shape, long[] stride)
        => stride.AsSpan().SequenceEqual([shape[1] * shape[2] * shape[3], 1, shape[1] * shape[3], shape[1]]);

    /// <summary>Normalises, and records the gradient.</summary>
    /// <param name="x">(B, C, H, W), as <see cref="Fits"/> wants it</param>
    /// <param name="weight">(C) float32</param>
    /// <param name="bias">(C) float32</param>
    /// <param name="groups">Divides C.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public static Tensor Apply(Tensor x, Tensor weight, Tensor bias, long groups, double epsilon) => Function.apply(x, weight, bias, groups, epsilon);

    private static float* Floats(Tensor tensor) => (float*)TensorAddress.Of(tensor);

    // Rows of one sample as float32: the tensor's own memory, or widened into the scratch.
    private static Span<float> Open(Tensor x, int sample, int length, float[] scratch)
    {
        if (x.dtype == ScalarType.Float32) return new(Floats(x) + (long)sample * length, length);
        var halves = new ReadOnlySpan<ushort>((ushort*)TensorAddress.Of(x) + (long)sample * length, length);
        var from = MemoryMarshal.Cast<ushort, Vector<ushort>>(halves);
        var to = MemoryMarshal.Cast<float, Vector<uint>>(scratch.AsSpan(0, length));
        for (var i = 0; i < from.Length; i++)
        {
            Vector.Widen(from[i], out var low, out var high);
            (to[2 * i], to[2 * i + 1]) = (low << 16, high << 16);
        }
        for (var i = from.Length * Vector<ushort>.Count; i < length; i++) scratch[i] = BitConverter.UInt32BitsToSingle((uint)halves[i] << 16);
        return scratch.AsSpan(0, length);
    }

    // Puts a sample's rows back, rounded to nearest even where the tensor is bfloat16.
    private static void Close(Tensor y, int sample, ReadOnlySpan<float> values)
    {
        if (y.dtype == ScalarType.Float32) return;
        var halves = new Span<ushort>((ushort*)TensorAddress.Of(y) + (long)sample * values.Length, values.Length);
        var from = MemoryMarshal.Cast<float, Vector<uint>>(values);
        var to = MemoryMarshal.Cast<ushort, Vector<ushort>>(halves);
        for (var i = 0; i < to.Length; i++) to[i] = Vector.Narrow(Round(from[2 * i]), Round(from[2 * i + 1]));
        for (var i = to.Length * Vector<ushort>.Count; i < values.Length; i++)
        {
            var bits = BitConverter.SingleToUInt32Bits(values[i]);
            halves[i] = (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }

    private static Vector<uint> Round(Vector<uint> bits) => (bits + new Vector<uint>(0x7FFF) + ((bits >> 16) & Vector<uint>.One)) >> 16;

    private static (float[] Scratch, float[] Other) Buffers(Tensor x, int length)
        => x.dtype == ScalarType.Float32 ? ([], []) : (new float[length], new float[length]);

    private static void AddRows(ReadOnlySpan<float> rows, Span<float> sums)
    {
        var into = MemoryMarshal.Cast<float, Vector<float>>(sums);
        var from = MemoryMarshal.Cast<float, Vector<float>>(rows);
        for (var at = 0; at < from.Length; at += into.Length)
            for (var c = 0; c < into.Length; c++) into[c] += from[at + c];
    }

    private static void AddProducts(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> sums)
    {
        var into = MemoryMarshal.Cast<float, Vector<float>>(sums);
        var a = MemoryMarshal.Cast<float, Vector<float>>(left);
        var b = MemoryMarshal.Cast<float, Vector<float>>(right);
        for (var at = 0; at < a.Length; at += into.Length)
            for (var c = 0; c < into.Length; c++) into[c] += a[at + c] * b[at + c];
    }

    private static void AddSquares(ReadOnlySpan<float> rows, ReadOnlySpan<float> means, Span<float> sums)
    {
        var from = MemoryMarshal.Cast<float, Vector<float>>(rows);
        var into = MemoryMarshal.Cast<float, Vector<float>>(sums);
        var middle = MemoryMarshal.Cast<float, Vector<float>>(means);
        for (var at = 0; at < from.Length; at += into.Length)
            for (var c = 0; c < into.Length; c++)
            {
                var distance = from[at + c] - middle[c];
                into[c] += distance * distance;
            }
    }

    private static float GroupSum(ReadOnlySpan<float> sums)
    {
        double sum = 0;
        foreach (var value in sums) sum += value;
        return (float)sum;
    }

    /// <summary>Mean and reciprocal deviation of each channel's group.</summary>
    private static void Measure(ReadOnlySpan<float> rows, Span<float> means, Span<float> deviations, int groups, double epsilon)
    {
        var (channels, width) = (means.Length, means.Length / groups);
        var count = (float)(rows.Length / groups);
        Span<float> sums = new float[channels];
        AddRows(rows, sums);
        for (var g = 0; g < groups; g++) means.Slice(g * width, width).Fill(GroupSum(sums.Slice(g * width, width)) / count);
        sums.Clear();
        AddSquares(rows, means, sums);
        for (var g = 0; g < groups; g++)
            deviations.Slice(g * width, width).Fill((float)(1 / Math.Sqrt(GroupSum(sums.Slice(g * width, width)) / count + epsilon)));
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(ChannelsLastGroupNorm);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (x, weight, bias, groups, epsilon) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (int)(long)vars[3], (double)vars[4]);
            var (samples, channels) = ((int)x.shape[0], (int)x.shape[1]);
            var length = checked((int)(x.numel() / samples));
            var y = empty_like(x);
            var statistics = empty(samples, 2, channels);
            var (scratch, other) = Buffers(x, length);
            Span<float> scale = new float[channels], shift = new float[channels];
            for (var i = 0; i < samples; i++)
            {
                var rows = Open(x, i, length, scratch);
                var target = other.Length > 0 ? other : new Span<float>(Floats(y) + (long)i * length, length);
                var means = new Span<float>(Floats(statistics) + (long)i * 2 * channels, channels);
                var deviations = new Span<float>(Floats(statistics) + (long)(i * 2 + 1) * channels, channels);
                Measure(rows, means, deviations, groups, epsilon);
                for (var c = 0; c < channels; c++)
                {
                    scale[c] = Floats(weight)[c] * deviations[c];
                    shift[c] = Floats(bias)[c] - means[c] * scale[c];
                }
                Scale(rows, target, scale, shift);
                Close(y, i, target);
            }
            ctx.save_for_backward([x, weight, statistics]);
            ctx.save_data("groups", groups);
            return y;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            var saved = ctx.get_saved_variables();
            var (x, weight, statistics, groups) = (saved[0], saved[1], saved[2], (int)ctx.get_data("groups"));
            using var dy = Fits(grad_output, weight) && grad_output.dtype == x.dtype ? grad_output.alias() : Layers.ChannelsLast.ToChannelsLast(grad_output);
            var (samples, channels) = ((int)x.shape[0], (int)x.shape[1]);
            var length = checked((int)(x.numel() / samples));
            var (dx, dweight, dbias) = (empty_like(x), zeros(channels), zeros(channels));
            var (scratch, other) = Buffers(x, length);
            var result = scratch.Length > 0 ? new float[length] : [];
            var sums = new GradientSums(channels, groups, length / groups);
            for (var i = 0; i < samples; i++)
            {
                var rows = Open(x, i, length, scratch);
                var slope = Open(dy, i, length, other);
                var target = result.Length > 0 ? result : new Span<float>(Floats(dx) + (long)i * length, length);
                var means = new ReadOnlySpan<float>(Floats(statistics) + (long)i * 2 * channels, channels);
                var deviations = new ReadOnlySpan<float>(Floats(statistics) + (long)(i * 2 + 1) * channels, channels);
                sums.Take(rows, slope, means, deviations, new(Floats(weight), channels));
                sums.AddTo(new(Floats(dweight), channels), new(Floats(dbias), channels), means, deviations);
                sums.Write(rows, slope, target);
                Close(dx, i, target);
            }
            return [dx, dweight, dbias, null!, null!];
        }

        private static void Scale(ReadOnlySpan<float> rows, Span<float> target, ReadOnlySpan<float> scale, ReadOnlySpan<float> shift)
        {
            var from = MemoryMarshal.Cast<float, Vector<float>>(rows);
            var to = MemoryMarshal.Cast<float, Vector<float>>(target);
            var factor = MemoryMarshal.Cast<float, Vector<float>>(scale);
            var offset = MemoryMarshal.Cast<float, Vector<float>>(shift);
            for (var at = 0; at < from.Length; at += factor.Length)
                for (var c = 0; c < factor.Length; c++) to[at + c] = from[at + c] * factor[c] + offset[c];
        }
    }

    /// <summary>One sample's sums over its rows, and the gradient that follows from them.</summary>
    private sealed class GradientSums(int channels, int groups, int count)
    {
        private readonly float[] _slopes = new float[channels], _products = new float[channels];
        private readonly float[] _own = new float[channels], _along = new float[channels], _constant = new float[channels];

        public void Take(
            ReadOnlySpan<float> rows, ReadOnlySpan<float> slope, ReadOnlySpan<float> means, ReadOnlySpan<float> deviations, ReadOnlySpan<float> weight)
        {
            Array.Clear(_slopes);
            Array.Clear(_products);
            AddRows(slope, _slopes);
            AddProducts(rows, slope, _products);
            var width = channels / groups;
            for (var g = 0; g < groups; g++)
            {
                double a = 0, b = 0;
                for (var c = g * width; c < (g + 1) * width; c++) (a, b) = (a + weight[c] * _products[c], b + weight[c] * _slopes[c]);
                double mean = means[g * width], r = deviations[g * width], k = (b * mean - a) * r * r * r / count;
                for (var c = g * width; c < (g + 1) * width; c++)
                    (_own[c], _along[c], _constant[c]) = ((float)(r * weight[c]), (float)k, (float)(-k * mean - b * r / count));
            }
        }

        public void AddTo(Span<float> weight, Span<float> bias, ReadOnlySpan<float> means, ReadOnlySpan<float> deviations)
        {
            for (var c = 0; c < channels; c++)
            {
                weight[c] += (_products[c] - _slopes[c] * means[c]) * deviations[c];
                bias[c] += _slopes[c];
            }
        }

        public void Write(ReadOnlySpan<float> rows, ReadOnlySpan<float> slope, Span<float> target)
        {
            var x = MemoryMarshal.Cast<float, Vector<float>>(rows);
            var dy = MemoryMarshal.Cast<float, Vector<float>>(slope);
            var dx = MemoryMarshal.Cast<float, Vector<float>>(target);
            var own = MemoryMarshal.Cast<float, Vector<float>>(_own);
            var along = MemoryMarshal.Cast<float, Vector<float>>(_along);
            var constant = MemoryMarshal.Cast<float, Vector<float>>(_constant);
            for (var at = 0; at < x.Length; at += own.Length)
                for (var c = 0; c < own.Length; c++) dx[at + c] = own[c] * dy[at + c] + along[c] * x[at + c] + constant[c];
        }
    }
}
