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
    /// <param name="gradient">Same length as the values; changed by clipping.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="step">Counts from 1.</param>
    /// <param name="largestNorm">The gradient is scaled down to this norm.</param>
    /// <returns>The gradient's norm before clipping.</returns>
    public double Step(Tensor gradient, double rate, long step, double largestNorm = 1)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var norm = gradient.norm().ToDouble();
        if (norm > largestNorm) gradient.mul_(largestNorm / norm);
        First.lerp_(gradient, 1 - Beta1);
        Second.mul_(Beta2).addcmul_(gradient, gradient, 1 - Beta2);
        var deviation = Second.div(1 - Math.Pow(Beta2, step)).sqrt_().add_(Epsilon);
        _values.mul_(1 - rate * _decay).addcdiv_(First, deviation, -rate / (1 - Math.Pow(Beta1, step)));
        return norm;
    }

    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
    }
}
