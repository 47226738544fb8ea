namespace DiffSynthSharp.Weights;

/// <summary>Names and shapes of tensors, asked for by parts of their paths.</summary>
internal sealed class TensorNames(IReadOnlyCollection<TensorEntry> entries)
{
    /// <summary>How many tensors there are.</summary>
    public int Count => entries.Count;

    /// <summary>Whether a path occurs in some name: from the name's beginning or behind a dot or slash, and to its end unless the path ends with a dot or slash.</summary>
    /// <param name="path">One path, or several parted by <c>|</c> of which one must occur.</param>
    public bool Has(string path) => Find(path) is not null;

    /// <summary>Whether some name has the text anywhere.</summary>
    public bool Contains(string text) => entries.Any(entry => entry.Name.Contains(text, StringComparison.Ordinal));

    /// <summary>One side of the first tensor at a path; null when there is none, or it has no such side.</summary>
    /// <param name="path">As for <see cref="Has"/>.</param>
    /// <param name="axis">Which side.</param>
    public long? Side(string path, int axis) => Find(path) is { } entry && axis < entry.Shape.Length ? entry.Shape[axis] : null;

    /// <summary>The only tensor; null when there are others.</summary>
    public TensorEntry? Single => entries.Count == 1 ? entries.First() : null;

    private TensorEntry? Find(string path)
    {
        var paths = path.Split('|');
        return entries.FirstOrDefault(entry => Array.Exists(paths, each => Occurs(each, entry.Name)));
    }

    private static bool Occurs(string path, string name)
    {
        for (var at = name.IndexOf(path, StringComparison.Ordinal); at >= 0; at = name.IndexOf(path, at + 1, StringComparison.Ordinal))
            if ((at == 0 || IsBorder(name[at - 1])) && (IsBorder(path[^1]) || at + path.Length == name.Length)) return true;
        return false;
    }

    private static bool IsBorder(char letter) => letter is '.' or '/';
}
