using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Prompts;

/// <summary>A prompt as rows of tokens of one length for CLIP's text encoder.</summary>
/// <param name="Ids">Rows of ids, begin, end and padding among them.</param>
/// <param name="Weights">The weight of each of them; begin, end and padding weigh 1.</param>
/// <param name="Tokens">How many tokens the prompt itself has.</param>
/// <param name="CutTokens">How many of them found no place.</param>
internal sealed record PromptRows(IReadOnlyList<int[]> Ids, IReadOnlyList<float[]> Weights, int Tokens, int CutTokens)
{
    // A1111's default for "prompt word wrap length limit": that many tokens behind a comma move on to the next chunk.
    private const int CommaReach = 20;

    private readonly record struct Word(IReadOnlyList<int> Ids, float Weight, bool IsComma = false);

    /// <summary>Tokenizes each piece by itself and lays the tokens out; what stands between two BREAKs gets rows of its own.</summary>
    /// <param name="pieces">The prompt.</param>
    /// <param name="tokenizer">The encoder's.</param>
    /// <param name="keywords">Words that stand for learned vectors.</param>
    /// <param name="isPlain">How keywords are found, see <see cref="EmbeddingKeywords.Split"/>.</param>
    /// <param name="mode">What becomes of a prompt that doesn't fit one row.</param>
    /// <param name="length">Tokens of a row.</param>
    /// <remarks>
    /// Rows: modelscope/DiffSynth-Studio, diffsynth/prompters/utils.py (<c>tokenize_long_prompt</c>). Chunks: AUTOMATIC1111/stable-diffusion-webui 1.10,
    /// modules/sd_hijack_clip.py (<c>tokenize_line</c>). Cut: huggingface/diffusers, pipeline_stable_diffusion.py.
    /// </remarks>
    /// <exception cref="DiffSynthException">The prompt is too long.</exception>
    public static PromptRows Of(
        IReadOnlyList<WeightedText> pieces, ClipTokenizer tokenizer, IReadOnlyList<EmbeddingKeyword> keywords, bool isPlain, LongPrompt mode, int length)
    {
        var rows = new List<List<(int Id, float Weight)>>();
        var (tokens, cut) = (0, 0);
        foreach (var section in Sections(pieces, text => Words(text, tokenizer, keywords, isPlain)))
        {
            var count = section.Sum(word => word.Ids.Count);
            tokens += count;
            cut += mode == LongPrompt.Cut ? Math.Max(0, count - (length - 2)) : 0;
            rows.AddRange(mode switch
            {
                LongPrompt.Chunks => Chunks(section, length - 2).Select(chunk => Wrapped(chunk, tokenizer)),
                LongPrompt.Cut => [Wrapped(Flat(section).Take(length - 2), tokenizer)],
                _ => Wrapped(Flat(section), tokenizer).Chunk(length).Select(row => row.ToList()),
            });
        }
        foreach (var row in rows)
            while (row.Count < length) row.Add((tokenizer.PadId, 1));
        return new([.. rows.Select(row => row.Select(token => token.Id).ToArray())], [.. rows.Select(row => row.Select(token => token.Weight).ToArray())], tokens, cut);
    }

    // What stands between BREAKs. Nothing behind the last BREAK is nothing; elsewhere it is a section without words (A1111).
    private static List<List<Word>> Sections(IReadOnlyList<WeightedText> pieces, Func<WeightedText, IEnumerable<Word>> words)
    {
        var sections = new List<List<Word>> { new() };
        foreach (var piece in pieces)
            if (piece.IsBreak) sections.Add([]);
            else sections[^1].AddRange(words(piece));
        if (sections.Count > 1 && sections[^1].Count == 0) sections.RemoveAt(sections.Count - 1);
        return sections;
    }

    private static IEnumerable<Word> Words(WeightedText piece, ClipTokenizer tokenizer, IReadOnlyList<EmbeddingKeyword> keywords, bool isPlain)
    {
        var comma = tokenizer.Encode(",");
        foreach (var (text, ids) in EmbeddingKeywords.Split(piece.Text, keywords, isPlain))
            if (ids.Count > 0) yield return new(ids, (float)piece.Weight);
            else
                foreach (var id in tokenizer.Encode(text)) yield return new([id], (float)piece.Weight, comma.Count == 1 && comma[0] == id);
    }

    private static IEnumerable<(int Id, float Weight)> Flat(IEnumerable<Word> words) => words.SelectMany(word => word.Ids.Select(id => (id, word.Weight)));

    private static List<(int Id, float Weight)> Wrapped(IEnumerable<(int Id, float Weight)> tokens, ClipTokenizer tokenizer)
        => [(tokenizer.BeginId, 1), .. tokens, (tokenizer.EndId, 1)];

    private static List<List<(int Id, float Weight)>> Chunks(IReadOnlyList<Word> words, int capacity)
    {
        var chunks = new List<List<(int Id, float Weight)>> { new() };
        var comma = -1;
        void Next(params IEnumerable<(int Id, float Weight)> moved)
        {
            chunks.Add([.. moved]);
            comma = -1;
        }

        foreach (var word in words)
        {
            if (word.IsComma) comma = chunks[^1].Count;
            else if (chunks[^1].Count == capacity && comma >= 0 && capacity - comma <= CommaReach)
            {
                var moved = chunks[^1][(comma + 1)..];
                chunks[^1].RemoveRange(comma + 1, moved.Count);
                Next(moved);
            }
            if (chunks[^1].Count > 0 && chunks[^1].Count + word.Ids.Count > capacity) Next();
            foreach (var id in word.Ids)
            {
                if (chunks[^1].Count == capacity) Next();
                chunks[^1].Add((id, word.Weight));
            }
        }
        return chunks;
    }
}
