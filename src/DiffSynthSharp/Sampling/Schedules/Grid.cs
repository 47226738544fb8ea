namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>Evenly spaced numbers, as NumPy spaces them.</summary>
internal static class Grid
{
    /// <summary><paramref name="count"/> numbers from first to last, both included; one number is the first.</summary>
    public static double[] Linspace(double first, double last, int count)
    {
        var numbers = new double[count];
        for (var i = 0; i < count; i++) numbers[i] = count == 1 ? first : first + i * ((last - first) / (count - 1));
        if (count > 1) numbers[^1] = last;
        return numbers;
    }

    /// <summary>Rounds halves to even, as Python and NumPy do.</summary>
    public static double Round(double value) => Math.Round(value, MidpointRounding.ToEven);

    /// <summary>train, train − train/steps, … rounded, less 1: diffusers' trailing spacing.</summary>
    /// <remarks>NumPy's arange gives some counts, 61 of 1000 for one, an entry too many, which would be timestep −1.</remarks>
    public static double[] Trailing(int train, int steps)
    {
        var stride = train / (double)steps;
        return [.. Enumerable.Range(0, steps).Select(i => Round(train - i * stride) - 1)];
    }

    /// <summary>Closes a ladder with a level.</summary>
    public static double[] Close(IEnumerable<double> sigmas, double last = 0) => [.. sigmas.Select(sigma => (double)(float)sigma), last];
}
