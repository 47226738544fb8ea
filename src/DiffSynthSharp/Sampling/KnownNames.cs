namespace DiffSynthSharp.Sampling;

/// <summary>Sentences about names that nobody knows.</summary>
internal static class KnownNames
{
    /// <summary>Says that a name is unknown, which one may have been meant, and which there are.</summary>
    public static string Unknown(string what, string name, IEnumerable<string> known)
    {
        string[] names = [.. known];
        var nearest = names.MinBy(candidate => Distance(name.ToLowerInvariant(), candidate))!;
        var hint = Distance(name.ToLowerInvariant(), nearest) <= Math.Max(2, nearest.Length / 3) ? $" Did you mean '{nearest}'?" : "";
        return $"There is no {what} '{name}'.{hint} Known: {string.Join(", ", names)}.";
    }

    // Levenshtein distance.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[b.Length];
    }
}
