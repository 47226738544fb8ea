namespace DiffSynthSharp.Weights;

/// <summary>Counts numbered parts in tensor names, which is how a header tells the depth of a network.</summary>
internal static class NameCount
{
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
