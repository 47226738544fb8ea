namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>Formulas that space noise levels between two ends.</summary>
internal static class Curves
{
    /// <summary>Evenly in the ρ-th root: more small levels than large ones.</summary>
    /// <remarks>Karras et al. (2022), equation 5.</remarks>
    public static double[] Karras(int count, double sigmaMin, double sigmaMax, double rho = 7)
    {
        var (low, high) = (Math.Pow(sigmaMin, 1 / rho), Math.Pow(sigmaMax, 1 / rho));
        return [.. Grid.Linspace(0, 1, count).Select(t => Math.Pow(high + t * (low - high), rho))];
    }

    /// <summary>Evenly in the logarithm.</summary>
    public static double[] Exponential(int count, double sigmaMin, double sigmaMax)
        => [.. Grid.Linspace(Math.Log(sigmaMax), Math.Log(sigmaMin), count).Select(Math.Exp)];

    /// <summary>A power of an even grid in the logarithm.</summary>
    /// <remarks>crowsonkb/k-diffusion, sampling.py, get_sigmas_polyexponential.</remarks>
    public static double[] Polyexponential(int count, double sigmaMin, double sigmaMax, double rho = 1)
        => [.. Grid.Linspace(1, 0, count).Select(t => Math.Exp(Math.Pow(t, rho) * Math.Log(sigmaMax / sigmaMin) + Math.Log(sigmaMin)))];

    /// <summary>The levels of a continuous variance-preserving process.</summary>
    /// <remarks>Song et al. (2021); crowsonkb/k-diffusion, sampling.py, get_sigmas_vp.</remarks>
    public static double[] VariancePreserving(int count, double betaSlope = 19.9, double betaMin = 0.1, double end = 1e-3)
        => [.. Grid.Linspace(1, end, count).Select(t => Math.Sqrt(double.ExpM1(betaSlope * t * t / 2 + betaMin * t)))];

    /// <summary>Evenly in the angle whose tangent is σ, down to the lowest level and no further.</summary>
    /// <remarks>Sabour et al. (2024), arXiv 2404.14507, theorem 3.1. Gives one level more than steps.</remarks>
    public static double[] KlOptimal(int steps, double sigmaMin, double sigmaMax)
        => [.. Enumerable.Range(0, steps + 1).Select(i => i / (double)steps).Select(t => Math.Tan(t * Math.Atan(sigmaMin) + (1 - t) * Math.Atan(sigmaMax)))];

    /// <summary>Levels found by optimisation for ten steps, interpolated in log σ.</summary>
    /// <remarks>Sabour et al. (2024), arXiv 2404.14507, with the published lists.</remarks>
    public static double[] AlignYourSteps(int count, IReadOnlyList<double> published)
        => [.. Grid.Linspace(0, published.Count - 1, count).Select(at =>
        {
            var low = Math.Min((int)at, published.Count - 2);
            return Math.Exp(Math.Log(published[low]) + (at - low) * Math.Log(published[low + 1] / published[low]));
        })];

    /// <summary>Optimised levels for Stable Diffusion 1.x.</summary>
    public static IReadOnlyList<double> StableDiffusionSteps { get; } = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029];

    /// <summary>Optimised levels for SDXL.</summary>
    public static IReadOnlyList<double> SdxlSteps { get; } = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029];

    /// <summary>Quantiles of a beta distribution between the ends: many levels near both.</summary>
    /// <remarks>Lee et al. (2024), arXiv 2407.12173.</remarks>
    public static double[] Beta(int count, double sigmaMin, double sigmaMax, double alpha = 0.6, double beta = 0.6)
        => [.. Grid.Linspace(0, 1, count).Select(t => sigmaMin + BetaDistribution.Quantile(1 - t, alpha, beta) * (sigmaMax - sigmaMin))];
}
