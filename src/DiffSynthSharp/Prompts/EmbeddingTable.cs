using static TorchSharp.torch;

namespace DiffSynthSharp.Prompts;

/// <summary>The vectors of several embeddings, numbered behind a text encoder's own vocabulary. The encoder's table is neither changed nor copied.</summary>
internal sealed class EmbeddingTable : IDisposable
{
    private readonly HashSet<string> _used = [];

    private EmbeddingTable(IReadOnlyList<EmbeddingKeyword> keywords, Tensor? vectors) => (Keywords, Vectors) = (keywords, vectors);

    /// <summary>A table of nothing.</summary>
    public static EmbeddingTable Empty { get; } = new([], null);

    /// <summary>The words, in the order they were loaded.</summary>
    public IReadOnlyList<EmbeddingKeyword> Keywords { get; }

    /// <summary>(n, width) float32; null when there are none.</summary>
    public Tensor? Vectors { get; }

    /// <summary>Reads embeddings for one text encoder.</summary>
    /// <param name="uses">Files and, where they have one, the keywords the user gave them.</param>
    /// <param name="vocabulary">Rows of the encoder's own table, which is the first new id.</param>
    /// <param name="width">Width of a token.</param>
    /// <param name="device">Where the encoder is.</param>
    /// <exception cref="DiffSynthException">A file can't be used, or two have one keyword.</exception>
    public static EmbeddingTable Load(IReadOnlyList<EmbeddingUse> uses, long vocabulary, long width, Device device)
    {
        if (uses.Count == 0) return Empty;
        using var scope = NewDisposeScope();
        var files = uses.Select(use => EmbeddingFile.Read(use.Path, width, use.Keyword)).ToList();
        if (files.GroupBy(file => file.Keyword, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new DiffSynthException($"Two embeddings have the keyword '{twice.Key}'. Give one of them another with FILE:keyword.");
        var keywords = new List<EmbeddingKeyword>();
        var next = (int)vocabulary;
        foreach (var file in files)
        {
            keywords.Add(new(file.Keyword, [.. Enumerable.Range(next, (int)file.Vectors.shape[0])]));
            next += (int)file.Vectors.shape[0];
        }
        return new(keywords, cat([.. files.Select(file => file.Vectors)]).to(device).MoveToOuterDisposeScope());
    }

    /// <summary>Notes which keywords stand in rows of ids.</summary>
    public void Note(IEnumerable<int[]> rows)
    {
        var ids = rows.SelectMany(row => row).ToHashSet();
        foreach (var keyword in Keywords)
            if (keyword.Ids.Any(ids.Contains)) _used.Add(keyword.Word);
    }

    /// <summary>The keywords that no prompt had.</summary>
    public IEnumerable<string> Unused => Keywords.Select(keyword => keyword.Word).Where(word => !_used.Contains(word));

    /// <inheritdoc/>
    public void Dispose() => Vectors?.Dispose();
}
