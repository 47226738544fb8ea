using System.Numerics;
using DiffSynthSharp.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.Optimization;

/// <summary>Adam with decoupled weight decay on a single vector of parameters.</summary>
/// <remarks>Loshchilov and Hutter 2019 (arXiv 1711.05101), algorithm 2.</remarks>
internal sealed class AdamW : IDisposable
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.99;
    private const double Epsilon = 1e-8;
    private readonly Tensor _values;
    private readonly double _decay;

    /// <param name="values">The vector to optimise.</param>
    /// <param name="decay">Weight decay per step, times the rate.</param>
    public AdamW(Tensor values, double decay = 0.01)
    {
        (_values, _decay) = (values, decay);
        First = zeros_like(values).DetachFromDisposeScope();
        Second = zeros_like(values).DetachFromDisposeScope();
    }

    /// <summary>Running mean of the gradient.</summary>
    public Tensor First { get; }

    /// <summary>Running mean of its square.</summary>
    public Tensor Second { get; }

    /// <summary>One step.</summary>
    /// <param name="gradient">Same length as the values, contiguous float32.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="step">Counts from 1.</param>
    /// <param name="largestNorm">The gradient is scaled down to this norm.</param>
    /// <returns>The gradient's norm before clipping.</returns>
    public double Step(Tensor gradient, double rate, long step, double largestNorm = 1)
    {
        using var length = gradient.norm();
        var norm = length.ToDouble();
        var scale = norm > largestNorm ? largestNorm / norm : 1;
        Move(gradient, new(
            (float)scale, (float)(1 - rate * _decay), (float)(rate / (1 - Math.Pow(Beta1, step))), (float)(1 / Math.Sqrt(1 - Math.Pow(Beta2, step)))));
        return norm;
    }

    /// <summary>The numbers of one step.</summary>
    /// <param name="Scale">Clips the gradient.</param>
    /// <param name="Keep">What decay leaves of a value.</param>
    /// <param name="Rate">Learning rate over the mean's bias.</param>
    /// <param name="Spread">Reciprocal root of the square's bias.</param>
    private readonly record struct Numbers(float Scale, float Keep, float Rate, float Spread);

    // One pass over memory instead of ten: at these sizes the step is bound by it.
    private unsafe void Move(Tensor gradient, Numbers numbers)
    {
        var length = checked((int)_values.numel());
        var values = Memory(_values);
        var slope = Memory(gradient);
        var first = Memory(First);
        var second = Memory(Second);
        var at = 0;
        for (var lanes = Vector<float>.Count; at <= length - lanes; at += lanes)
        {
            var g = Vector.Load(slope + at) * numbers.Scale;
            var m = Vector.Load(first + at) * (float)Beta1 + g * (float)(1 - Beta1);
            var v = Vector.Load(second + at) * (float)Beta2 + g * g * (float)(1 - Beta2);
            var spread = Vector.SquareRoot(v) * numbers.Spread + new Vector<float>((float)Epsilon);
            m.Store(first + at);
            v.Store(second + at);
            (Vector.Load(values + at) * numbers.Keep - m * numbers.Rate / spread).Store(values + at);
        }
        for (; at < length; at++)
        {
            var g = slope[at] * numbers.Scale;
            first[at] = first[at] * (float)Beta1 + g * (float)(1 - Beta1);
            second[at] = second[at] * (float)Beta2 + g * g * (float)(1 - Beta2);
            values[at] = values[at] * numbers.Keep - first[at] * numbers.Rate / (MathF.Sqrt(second[at]) * numbers.Spread + (float)Epsilon);
        }

        static float* Memory(Tensor tensor) => (float*)TensorAddress.Of(tensor);
    }

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
    }
}
