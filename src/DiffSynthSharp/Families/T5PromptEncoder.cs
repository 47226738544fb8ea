using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Tokenizers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>A prompt's text to T5's states, with weights.</summary>
/// <remarks>
/// A weight draws a token's state away from, or towards, the state that the empty text has at the same place:
/// comfyanonymous/ComfyUI, comfy/sd1_clip.py (<c>ClipTokenWeightEncoder</c>). Scaling the states, as CLIP's prompts have it, does not suit
/// T5's, which carry few entries that are far larger than all others.
/// </remarks>
internal sealed class T5PromptEncoder(T5Encoder encoder, T5Tokenizer tokenizer, Device device)
{
    /// <summary>Encodes a text as one row; padding is attended, as in FLUX.1 and Stable Diffusion 3.</summary>
    /// <param name="text">What stands at one step, without AND and editing. BREAK separates words and no more, since T5 has one row.</param>
    /// <param name="reading">How it is read; learned words are CLIP's alone and are text here.</param>
    /// <param name="length">Tokens in the row, the end token among them; at least 1.</param>
    /// <param name="say">Takes a line for the user when something about the prompt deserves one.</param>
    /// <returns>(1, length, width) float32</returns>
    /// <exception cref="DiffSynthException">The prompt, the length or the tokenizer doesn't fit.</exception>
    public Tensor Encode(string text, PromptReading reading, int length, Action<string> say)
    {
        if (length < 1) throw new DiffSynthException($"A text length of {length} doesn't fit: T5 needs room for the end token, so 1 or more.");
        var (ids, weights) = Row(text, reading, length, say);
        using var scope = NewDisposeScope();
        var states = encoder.forward(Batch(ids));
        if (weights.All(weight => weight == 1)) return states.MoveToOuterDisposeScope();
        var empty = encoder.forward(Batch(tokenizer.Row([], length).Ids));
        var factors = tensor(weights, [1, length, 1], device: device);
        // Where the weight is 1 the state keeps its bits.
        return where(factors.eq(1), states, empty + (states - empty) * factors).MoveToOuterDisposeScope();
    }

    private Tensor Batch(int[] ids) => tensor(ids.Select(id => (long)id).ToArray(), [1, ids.Length]).to(device);

    private (int[] Ids, float[] Weights) Row(string text, PromptReading reading, int length, Action<string> say)
    {
        var (ids, weights) = (new List<int>(), new List<float>());
        var before = ' ';
        foreach (var piece in reading.Pieces(text))
        {
            var words = piece.IsBreak ? " " : piece.Text;
            if (words.Length == 0) continue;
            var tokens = tokenizer.Encode(words, continuesWord: !char.IsWhiteSpace(before));
            ids.AddRange(tokens);
            weights.AddRange(Enumerable.Repeat((float)piece.Weight, tokens.Count));
            before = words[^1];
        }
        var row = tokenizer.Row(ids, length);
        if (row.Ids.Max() is var largest && largest >= encoder.Config.Vocabulary)
            throw new DiffSynthException($"The tokenizer gives id {largest}, but T5 knows {encoder.Config.Vocabulary} tokens: the tokenizer belongs to another model.");
        if (row.CutTokens > 0)
            say($"The {reading.Name} has {ids.Count} tokens for T5, of which {length - 1} fit the text length of {length}; the last {row.CutTokens} were left out.");
        float[] factors = [.. weights.Take(length - 1), .. Enumerable.Repeat(1f, length - Math.Min(length - 1, weights.Count))];
        return (row.Ids, factors);
    }
}
