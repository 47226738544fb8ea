using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Prompts;
using DiffSynthSharp.Tokenizers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>A prompt's text to what a CLIP text encoder says about it: weights, BREAK, long prompts and learned words.</summary>
internal sealed class ClipPromptEncoder(ClipTextEncoder encoder, ClipTokenizer tokenizer, Device device)
{
    /// <summary>Ids that the text encoder knows; learned words are numbered from here.</summary>
    public long Vocabulary => encoder.Config.Vocabulary;

    /// <summary>The states that Stable Diffusion 1.x attends to: through the final norm, whatever layer they are taken from.</summary>
    /// <param name="text">What stands at one step, without AND and editing.</param>
    /// <param name="reading">How it is read.</param>
    /// <param name="say">Takes a line for the user when something about the prompt deserves one.</param>
    /// <returns>(1, 77 · rows, width)</returns>
    /// <exception cref="DiffSynthException">The prompt, the clip skip or the tokenizer doesn't fit.</exception>
    public Tensor Encode(string text, PromptReading reading, Action<string> say)
    {
        using var scope = NewDisposeScope();
        var (rows, output) = Run(text, reading, say);
        return Joined(encoder.Norm(output.Hidden[^reading.ClipSkip]), rows, reading).MoveToOuterDisposeScope();
    }

    /// <summary>The states and the pooled vector that SDXL, Stable Diffusion 3 and FLUX.1 take.</summary>
    /// <param name="text">What stands at one step, without AND and editing.</param>
    /// <param name="reading">How it is read. A clip skip of 2 is the last layer but one, which those families were trained with.</param>
    /// <param name="projects">Whether the pooled vector goes through the projection, where the file has one. FLUX.1 takes it without.</param>
    /// <param name="say">Takes a line for the user when something about the prompt deserves one.</param>
    /// <returns>The states without the final norm, weighted; the first row's pooled vector, which knows no weights (as in A1111).</returns>
    /// <exception cref="DiffSynthException">The prompt, the clip skip or the tokenizer doesn't fit.</exception>
    public ClipStates EncodeWithPooled(string text, PromptReading reading, bool projects, Action<string> say)
    {
        using var scope = NewDisposeScope();
        var (rows, output) = Run(text, reading, say);
        var first = output.Pooled.narrow(0, 0, 1);
        var pooled = projects ? encoder.Project(first) : first.clone();
        var states = Joined(output.Hidden[^reading.ClipSkip], rows, reading);
        return new(states.MoveToOuterDisposeScope(), pooled.MoveToOuterDisposeScope());
    }

    /// <summary>The rows of tokens that a text becomes.</summary>
    /// <exception cref="DiffSynthException">The prompt or the tokenizer doesn't fit.</exception>
    public PromptRows Rows(string text, PromptReading reading, Action<string> say)
    {
        var pieces = reading.Pieces(text);
        var length = (int)encoder.Config.Positions;
        var rows = PromptRows.Of(pieces, tokenizer, reading.Embeddings.Keywords, reading.Syntax == PromptSyntax.Plain, reading.LongPrompt, length);
        reading.Embeddings.Note(rows.Ids);
        var largest = tokenizer.VocabularySize - 1;
        if (largest >= encoder.Config.Vocabulary && rows.Ids.Max(row => row.Where(id => id <= largest).DefaultIfEmpty().Max()) is var found && found >= encoder.Config.Vocabulary)
            throw new DiffSynthException($"The tokenizer gives id {found}, but the text encoder knows {encoder.Config.Vocabulary} tokens: the tokenizer belongs to another model.");
        if (rows.CutTokens > 0) say($"The {reading.Name} has {rows.Tokens} tokens; the last {rows.CutTokens} don't fit and were left out.");
        else if (rows.Ids.Count > 1) say($"The {reading.Name} has {rows.Tokens} tokens and is encoded in {rows.Ids.Count} {(reading.LongPrompt == LongPrompt.Chunks ? "chunks" : "rows")}.");
        return rows;
    }

    private (PromptRows Rows, ClipTextOutput Output) Run(string text, PromptReading reading, Action<string> say)
    {
        var (config, skip) = (encoder.Config, reading.ClipSkip);
        if (skip < 1 || skip > config.Layers)
            throw new DiffSynthException($"A clip skip of {skip} doesn't fit: this text encoder has {config.Layers} layers, so 1 (the last) … {config.Layers}.");
        var rows = Rows(text, reading, say);
        var ids = tensor(rows.Ids.SelectMany(row => row).Select(id => (long)id).ToArray(), [rows.Ids.Count, config.Positions]).to(device);
        return (rows, encoder.Encode(ids, reading.Embeddings.Vectors));
    }

    // (rows, 77, width) to (1, 77 · rows, width)
    private Tensor Joined(Tensor states, PromptRows rows, PromptReading reading)
        => Weighted(states, rows.Weights, reading.Mean).reshape(1, -1, encoder.Config.Width);

    // The mean is brought back row by row, as A1111 encodes a long prompt chunk by chunk; a row without weights keeps its bits.
    private Tensor Weighted(Tensor states, IReadOnlyList<float[]> weights, EmphasisMean mean)
    {
        if (weights.All(row => row.All(weight => weight == 1))) return states;
        return cat([.. weights.Select((row, i) => row.All(weight => weight == 1)
            ? states.narrow(0, i, 1)
            : PromptEmphasis.Apply(states.narrow(0, i, 1), tensor(row, [1, row.Length], device: device), mean))]);
    }
}
