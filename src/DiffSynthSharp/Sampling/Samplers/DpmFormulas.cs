using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>One step of DPM-Solver with the differences of its outputs, in any scaling of the latents.</summary>
/// <remarks>Lu et al. (2022a), algorithms 1 and 2; Lu et al. (2022b), equations 4.1 and appendix A.</remarks>
internal static class DpmFormulas
{
    /// <summary>A step on clean predictions.</summary>
    /// <param name="x">Latents at the step's beginning.</param>
    /// <param name="output">Prediction there.</param>
    /// <param name="h">Step in −log σ, longer where noise is added.</param>
    /// <param name="d1">First difference, or null for first order.</param>
    /// <param name="d2">Second difference, or null.</param>
    /// <param name="exact">Whether the first difference is integrated exactly instead of by the midpoint.</param>
    public static Tensor CleanStep(Tensor x, Tensor output, double h, Tensor? d1, Tensor? d2, bool exact)
    {
        var rest = -double.ExpM1(-h);
        var stepped = x * Math.Exp(-h) + output * rest;
        if (d1 is null) return stepped;
        var phi2 = 1 - rest / h;
        stepped += d1 * (exact ? phi2 : 0.5 * rest);
        return d2 is null ? stepped : stepped - d2 * (phi2 / h - 0.5);
    }

    /// <summary>A step on noise predictions.</summary>
    /// <param name="x">Latents at the step's beginning.</param>
    /// <param name="output">Prediction there.</param>
    /// <param name="next">Level at the step's end.</param>
    /// <param name="h">Step in −log σ.</param>
    /// <param name="d1">First difference, or null for first order.</param>
    /// <param name="d2">Second difference, or null.</param>
    /// <param name="exact">Whether the first difference is integrated exactly instead of by the midpoint.</param>
    /// <param name="times">2 where noise is added, else 1.</param>
    public static Tensor NoiseStep(Tensor x, Tensor output, double next, double h, Tensor? d1, Tensor? d2, bool exact, int times = 1)
    {
        var grown = double.ExpM1(h);
        var stepped = x - output * (times * next * grown);
        if (d1 is null) return stepped;
        stepped -= d1 * (times * next * (exact ? grown / h - 1 : 0.5 * grown));
        return d2 is null ? stepped : stepped - d2 * (next * ((grown - h) / (h * h) - 0.5));
    }
}
