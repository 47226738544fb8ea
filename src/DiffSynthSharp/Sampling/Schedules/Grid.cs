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
    public static double[] Trailing(int train, int steps, double from)
    {
        var ratio = train / (double)steps;
        var count = (int)Math.Ceiling(from / ratio);
        return [.. Enumerable.Range(0, count).Select(i => Round(from - i * ratio) - 1)];
    }

    /// <summary>Closes a ladder with a level.</summary>
    public static double[] Close(IEnumerable<double> sigmas, double last = 0) => [.. sigmas.Select(sigma => (double)(float)sigma), last];
}
