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

    /// <summary>Quantiles of a beta distribution between the ends: many levels near both.</summary>
    /// <remarks>Lee et al. (2024), arXiv 2407.12173.</remarks>
    public static double[] Beta(int count, double sigmaMin, double sigmaMax, double alpha = 0.6, double beta = 0.6)
        => [.. Grid.Linspace(0, 1, count).Select(t => sigmaMin + BetaDistribution.Quantile(1 - t, alpha, beta) * (sigmaMax - sigmaMin))];
}
