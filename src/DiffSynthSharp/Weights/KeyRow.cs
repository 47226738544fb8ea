namespace DiffSynthSharp.Weights;

/// <summary>What a layout does to a tensor's values besides naming them.</summary>
internal enum KeyChange
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The two halves along the first axis change places: (scale, shift) and (shift, scale) of a modulation.</summary>
    Swapped,

    /// <summary>A matrix lies the other way round.</summary>
    Transposed,
}

/// <summary>One row of a key table.</summary>
/// <param name="Theirs">Published names; several are joined along the first axis.</param>
/// <param name="Ours">Our names; several are equal parts of the published tensor along the first axis, none means that it is left out on purpose.</param>
/// <param name="Change">What is done to the values.</param>
internal sealed record KeyRow(IReadOnlyList<string> Theirs, IReadOnlyList<string> Ours, KeyChange Change)
{
    /// <summary>Whether one published tensor is one of ours, value by value.</summary>
    public bool IsWhole => Theirs.Count == 1 && Ours.Count == 1 && Change == KeyChange.None;

    /// <summary>The row with what follows its prefixes.</summary>
    /// <param name="suffix">Empty, or from the dot on.</param>
    public KeyRow With(string suffix) => suffix.Length == 0 ? this : new([.. Theirs.Select(name => Join(name, suffix))], [.. Ours.Select(name => Join(name, suffix))], Change);

    private static string Join(string prefix, string suffix) => prefix.Length == 0 ? suffix.TrimStart('.') : prefix + suffix;
}
