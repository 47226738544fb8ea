namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>The beta distribution's quantiles.</summary>
internal static class BetaDistribution
{
    private static readonly double[] s_lanczos =
    [
        0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
        -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
    ];

    /// <summary>The x in [0, 1] below which a share <paramref name="p"/> of the distribution lies, found by bisection.</summary>
    public static double Quantile(double p, double a, double b)
    {
        if (p <= 0) return 0;
        if (p >= 1) return 1;
        var (low, high) = (0.0, 1.0);
        for (var i = 0; i < 200 && high - low > 1e-16 * high; i++)
        {
            var middle = 0.5 * (low + high);
            if (Cumulative(middle, a, b) < p) low = middle;
            else high = middle;
        }
        return 0.5 * (low + high);
    }

    /// <summary>The regularised incomplete beta function, by its continued fraction.</summary>
    /// <remarks>DLMF 8.17.22, evaluated with Lentz's method.</remarks>
    public static double Cumulative(double x, double a, double b)
    {
        if (x <= 0) return 0;
        if (x >= 1) return 1;
        if (x > (a + 1) / (a + b + 2)) return 1 - Cumulative(1 - x, b, a);
        var front = Math.Exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + a * Math.Log(x) + b * Math.Log(1 - x)) / a;
        return front / Fraction(x, a, b);
    }

    private static double Fraction(double x, double a, double b)
    {
        double value = 1, numerator = 1, denominator = 0;
        for (var i = 1; i < 500; i++)
        {
            var m = i / 2;
            var term = i % 2 == 0
                ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            denominator = 1 / (1 + term * denominator);
            numerator = 1 + term / numerator;
            value *= numerator * denominator;
            if (Math.Abs(numerator * denominator - 1) < 1e-16) break;
        }
        return value;
    }

    // Lanczos (1964) with g = 7 and nine terms; good to 15 digits.
    private static double LogGamma(double z)
    {
        if (z < 0.5) return Math.Log(Math.PI / Math.Sin(Math.PI * z)) - LogGamma(1 - z);
        z -= 1;
        var sum = s_lanczos[0];
        for (var i = 1; i < s_lanczos.Length; i++) sum += s_lanczos[i] / (z + i);
        var t = z + 7.5;
        return 0.5 * Math.Log(2 * Math.PI) + (z + 0.5) * Math.Log(t) - t + Math.Log(sum);
    }
}
