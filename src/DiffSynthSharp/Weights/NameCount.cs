using System.Globalization;

namespace DiffSynthSharp.Weights;

/// <summary>Counts numbered parts in tensor names, which is how a header tells the depth of a network.</summary>
internal static class NameCount
{
    /// <summary>
    /// One more than the largest number behind a prefix. A network of that depth then lacks what the file lacks, which can be named;
    /// counting in a row would take a file with a hole for a shallower network.
    /// </summary>
    /// <param name="names">Tensor names; none repeats, so their number bounds every depth.</param>
    /// <param name="prefix">What stands before the number, such as <c>encoder.block.</c></param>
    /// <returns>0 without any such name; numbers that no file of so few tensors can fill don't count.</returns>
    public static int Deepest(IReadOnlyCollection<string> names, string prefix)
    {
        var depth = 0;
        foreach (var name in names)
        {
            if (!name.StartsWith(prefix, StringComparison.Ordinal)) continue;
            var digits = name.AsSpan(prefix.Length);
            digits = digits[..Math.Max(0, digits.IndexOf('.'))];
            if (int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < names.Count) depth = Math.Max(depth, number + 1);
        }
        return depth;
    }

    /// <summary>How many of <c>{template with 0}</c>, <c>{… 1}</c>, … in a row begin the name of a tensor.</summary>
    /// <param name="names">Tensor names.</param>
    /// <param name="prefix">Turns a number into a prefix such as <c>down_blocks.3.</c></param>
    public static int Consecutive(IReadOnlyCollection<string> names, Func<int, string> prefix)
    {
        var count = 0;
        while (names.Any(name => name.StartsWith(prefix(count), StringComparison.Ordinal))) count++;
        return count;
    }
}
