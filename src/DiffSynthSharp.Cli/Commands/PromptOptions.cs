using System.CommandLine;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>How prompts are read, and the learned words they may use.</summary>
internal sealed class PromptOptions : RequestOptions
{
    private static readonly Dictionary<string, PromptSyntax> s_syntaxes = new() { ["weighted"] = PromptSyntax.Weighted, ["plain"] = PromptSyntax.Plain };

    private static readonly Dictionary<string, LongPrompt> s_long = new() { ["rows"] = LongPrompt.Rows, ["chunks"] = LongPrompt.Chunks, ["cut"] = LongPrompt.Cut };

    private static readonly Dictionary<string, EmphasisMean> s_means = new() { ["restored"] = EmphasisMean.Restored, ["kept"] = EmphasisMean.Kept };

    private readonly Option<string[]> _embeddings = Values.Many("--embedding", "FILE[:KEYWORD]",
        "A textual inversion; its keyword in a prompt stands for what it learned. Default keyword: the name inside the file, else the file's. Can be repeated.");

    private readonly Option<string?> _syntax = Values.Text("--prompt-syntax", "HOW",
        "weighted reads (more:1.3), [less], BREAK, AND, [from:to:when] and [one|other] as A1111 does; in plain every character is text. Default: weighted.");

    private readonly Option<string?> _long = Values.Text("--long-prompt", "HOW",
        "What becomes of a prompt beyond 75 tokens: rows as DiffSynth-Studio encodes it, chunks as A1111 does, cut leaves its end out. Default: rows.");

    private readonly Option<string?> _mean = Values.Text("--emphasis", "HOW",
        "restored gives a weighted prompt's encoding its former mean back (A1111's \"original\"), kept does not (\"no norm\"). Default: restored.");

    public override IEnumerable<Option> All => [_embeddings, _syntax, _long, _mean];

    public override GenerationRequest Apply(ParseResult parsed, GenerationRequest request, Action<string> say) => request with
    {
        Embeddings = parsed.GetValue(_embeddings) is { Length: > 0 } embeddings ? [.. embeddings.Select(Embedding)] : request.Embeddings,
        Syntax = Known(parsed, _syntax, s_syntaxes) ?? request.Syntax,
        LongPrompt = Known(parsed, _long, s_long) ?? request.LongPrompt,
        EmphasisMean = Known(parsed, _mean, s_means) ?? request.EmphasisMean,
    };

    private static EmbeddingUse Embedding(string value)
    {
        var at = value.LastIndexOf(':');
        var isDrive = at == 1 && char.IsAsciiLetter(value[0]);
        return at < 0 || isDrive || File.Exists(value) ? new(value) : new(value[..at]) { Keyword = value[(at + 1)..] };
    }

    private static T? Known<T>(ParseResult parsed, Option<string?> option, Dictionary<string, T> known)
        where T : struct
        => parsed.GetValue(option) is not { } name ? null
            : known.TryGetValue(name, out var value) ? value : throw new DiffSynthException($"{option.Name} '{name}' is unknown. Known: {string.Join(", ", known.Keys)}.");
}
