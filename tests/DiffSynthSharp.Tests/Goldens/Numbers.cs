namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Comparisons of recorded lists of numbers.</summary>
internal static class Numbers
{
    /// <summary>|a − b| ≤ tolerance × max(|b|, a thousandth of the list's largest); equal lengths.</summary>
    public static void Close(string what, IReadOnlyList<double> ours, IReadOnlyList<double> expected, double tolerance)
    {
        var difference = Difference(ours, expected, tolerance);
        Assert.True(difference is null, $"{what}: {difference}");
    }

    /// <summary>Where two lists differ, or null.</summary>
    public static string? Difference(IReadOnlyList<double> ours, IReadOnlyList<double> expected, double tolerance)
    {
        if (ours.Count != expected.Count) return $"{ours.Count} numbers, expected {expected.Count}";
        var largest = expected.Count == 0 ? 0 : expected.Max(Math.Abs);
        for (var i = 0; i < ours.Count; i++)
            if (!(Math.Abs(ours[i] - expected[i]) <= tolerance * Math.Max(Math.Abs(expected[i]), 1e-3 * largest)))
                return $"number {i} is {ours[i]:r}, expected {expected[i]:r}";
        return null;
    }
}
