using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Prompts;
using DiffSynthSharp.Tokenizers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families.StableDiffusion;

/// <summary>A prompt's text to what the denoiser attends to: weights, BREAK, long prompts and learned words.</summary>
internal sealed class ClipPromptEncoder(ClipTextEncoder encoder, ClipTokenizer tokenizer, Device device)
{
    private const double LargestWeight = 1e6;

    /// <summary>Ids that the text encoder knows; learned words are numbered from here.</summary>
    public long Vocabulary => encoder.Config.Vocabulary;

    /// <param name="text">What stands at one step, without AND and editing.</param>
    /// <param name="reading">How it is read.</param>
    /// <param name="say">Takes a line for the user when something about the prompt deserves one.</param>
    /// <returns>(1, 77 · rows, width)</returns>
    /// <exception cref="DiffSynthException">The prompt, the clip skip or the tokenizer doesn't fit.</exception>
    public Tensor Encode(string text, PromptReading reading, Action<string> say)
    {
        var (config, skip) = (encoder.Config, reading.ClipSkip);
        if (skip < 1 || skip > config.Layers)
            throw new DiffSynthException($"A clip skip of {skip} doesn't fit: this text encoder has {config.Layers} layers, so 1 (the last) … {config.Layers}.");
        using var scope = NewDisposeScope();
        var rows = Rows(text, reading, say);
        var ids = tensor(rows.Ids.SelectMany(row => row).Select(id => (long)id).ToArray(), [rows.Ids.Count, config.Positions]).to(device);
        var states = encoder.Norm(encoder.Encode(ids, reading.Embeddings.Vectors).Hidden[^skip]); // (rows, 77, width)
        return Weighted(states, rows.Weights, reading.Mean).reshape(1, ids.numel(), config.Width).MoveToOuterDisposeScope();
    }

    /// <summary>The rows of tokens that a text becomes.</summary>
    /// <exception cref="DiffSynthException">The prompt or the tokenizer doesn't fit.</exception>
    public PromptRows Rows(string text, PromptReading reading, Action<string> say)
    {
        var isPlain = reading.Syntax == PromptSyntax.Plain;
        var pieces = isPlain ? [new WeightedText(text, 1)] : AttentionParser.Parse(text);
        if (pieces.FirstOrDefault(piece => !piece.IsBreak && !(Math.Abs(piece.Weight) <= LargestWeight)) is { Text: not null } heavy)
            throw new DiffSynthException($"A weight of {heavy.Weight:g3} in the {reading.Name} is too large: expected at most {LargestWeight:N0}.");
        var length = (int)encoder.Config.Positions;
        var rows = PromptRows.Of(pieces, tokenizer, reading.Embeddings.Keywords, isPlain, reading.LongPrompt, length);
        reading.Embeddings.Note(rows.Ids);
        var largest = tokenizer.VocabularySize - 1;
        if (largest >= encoder.Config.Vocabulary && rows.Ids.Max(row => row.Where(id => id <= largest).DefaultIfEmpty().Max()) is var found && found >= encoder.Config.Vocabulary)
            throw new DiffSynthException($"The tokenizer gives id {found}, but the text encoder knows {encoder.Config.Vocabulary} tokens: the tokenizer belongs to another model.");
        if (rows.CutTokens > 0) say($"The {reading.Name} has {rows.Tokens} tokens; the last {rows.CutTokens} don't fit and were left out.");
        else if (rows.Ids.Count > 1) say($"The {reading.Name} has {rows.Tokens} tokens and is encoded in {rows.Ids.Count} {(reading.LongPrompt == LongPrompt.Chunks ? "chunks" : "rows")}.");
        return rows;
    }

    // The mean is brought back row by row, as A1111 encodes a long prompt chunk by chunk; a row without weights keeps its bits.
    private Tensor Weighted(Tensor states, IReadOnlyList<float[]> weights, EmphasisMean mean)
    {
        if (weights.All(row => row.All(weight => weight == 1))) return states;
        return cat([.. weights.Select((row, i) => row.All(weight => weight == 1)
            ? states.narrow(0, i, 1)
            : PromptEmphasis.Apply(states.narrow(0, i, 1), tensor(row, [1, row.Length], device: device), mean))]);
    }
}
