namespace DiffSynthSharp.Prompts;

/// <summary>Finds the words of a prompt that stand for learned vectors.</summary>
internal static class EmbeddingKeywords
{
    private const int MaxExpanded = 1_000_000;

    /// <summary>Cuts a text at keywords: text as it is, and the ids of a keyword.</summary>
    /// <param name="text">A piece of a prompt.</param>
    /// <param name="keywords">In the order they were loaded.</param>
    /// <param name="isPlain">
    /// True replaces keywords as DiffSynth-Studio does, wherever they stand, also inside words. False takes words that stand by themselves, whatever their case,
    /// the longest first, which is what A1111's comparison of tokens comes to.
    /// </param>
    /// <exception cref="DiffSynthException">Replacing keywords would make the prompt too long.</exception>
    public static IEnumerable<(string Text, IReadOnlyList<int> Ids)> Split(string text, IReadOnlyList<EmbeddingKeyword> keywords, bool isPlain)
    {
        if (keywords.Count == 0) return [(text, [])];
        return isPlain
            ? CutAt(Expand(text, [.. keywords.Select(keyword => (keyword.Word, keyword.Ids.Count))]), Vectors(keywords), (from, at, word) => At(from, at, word, StringComparison.Ordinal))
            : CutAt(text, [.. keywords.Select(keyword => (keyword.Word, keyword.Ids))], StandsByItself);
    }

    /// <summary>Replaces every keyword, one after the other, by the names of its vectors with blanks around: "word" becomes " word_0 word_1 ".</summary>
    /// <param name="text">A prompt.</param>
    /// <param name="keywords">Keywords with the number of their vectors, in the order they were loaded; a later one also hits names of an earlier one's vectors.</param>
    /// <remarks>modelscope/DiffSynth-Studio, diffsynth/prompters (SDPrompter, textual inversion).</remarks>
    /// <exception cref="DiffSynthException">The text would become too long.</exception>
    public static string Expand(string text, IReadOnlyList<(string Word, int Vectors)> keywords)
    {
        foreach (var (word, vectors) in keywords)
        {
            var names = $" {string.Join(' ', Enumerable.Range(0, vectors).Select(i => $"{word}_{i}"))} ";
            long hits = 0;
            for (var at = text.IndexOf(word, StringComparison.Ordinal); at >= 0; at = text.IndexOf(word, at + word.Length, StringComparison.Ordinal)) hits++;
            if (text.Length + hits * (names.Length - word.Length) > MaxExpanded)
                throw new DiffSynthException($"The keyword '{word}' stands in the prompt {hits:N0} times, which makes it too long. Give the embedding another keyword.");
            text = text.Replace(word, names, StringComparison.Ordinal);
        }
        return text;
    }

    private static List<(string Word, IReadOnlyList<int> Ids)> Vectors(IReadOnlyList<EmbeddingKeyword> keywords)
        => [.. keywords.SelectMany(keyword => keyword.Ids.Select((id, i) => ($"{keyword.Word}_{i}", (IReadOnlyList<int>)[id])))];

    private static IEnumerable<(string Text, IReadOnlyList<int> Ids)> CutAt(
        string text, IReadOnlyList<(string Word, IReadOnlyList<int> Ids)> names, Func<string, int, string, bool> stands)
    {
        var byLetter = names.GroupBy(name => char.ToUpperInvariant(name.Word[0])).ToDictionary(group => group.Key, group => group.OrderByDescending(name => name.Word.Length).ToList());
        var start = 0;
        for (var at = 0; at < text.Length;)
        {
            var found = byLetter.TryGetValue(char.ToUpperInvariant(text[at]), out var candidates) ? candidates.Find(name => stands(text, at, name.Word)) : default;
            if (found.Word is null)
            {
                at++;
                continue;
            }
            if (at > start) yield return (text[start..at], []);
            yield return (found.Word, found.Ids);
            start = at += found.Word.Length;
        }
        if (start < text.Length || start == 0) yield return (text[start..], []);
    }

    private static bool StandsByItself(string text, int at, string word) => At(text, at, word, StringComparison.OrdinalIgnoreCase)
        && !(PromptCharacters.IsWordAt(text, at) && PromptCharacters.IsWordBefore(text, at))
        && !(PromptCharacters.IsWordBefore(text, at + word.Length) && PromptCharacters.IsWordAt(text, at + word.Length));

    private static bool At(string text, int at, string word, StringComparison comparison) => string.Compare(text, at, word, 0, word.Length, comparison) == 0;
}
