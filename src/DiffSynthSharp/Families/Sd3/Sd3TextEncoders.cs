using DiffSynthSharp.Memory;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Tokenizers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families.Sd3;

/// <summary>One CLIP and the tokenizer that belongs to it.</summary>
internal sealed record Sd3Clip(ResidentNetwork<ClipTextEncoder> Encoder, ClipTokenizer Tokenizer);

/// <summary>Stable Diffusion 3's text encoders, those of the three that there are.</summary>
/// <param name="widths">Widths that absent ones leave zeros of.</param>
internal sealed class Sd3TextEncoders(Sd3TextWidths widths) : IDisposable
{
    // The last layer but one: one less than what a user calls the last.
    private const int TrainedSkip = 1;

    public Sd3Clip? ClipL { get; init; }

    public Sd3Clip? ClipG { get; init; }

    public (ResidentNetwork<T5Encoder> Encoder, T5Tokenizer Tokenizer)? T5 { get; init; }

    /// <param name="text">What stands at one step.</param>
    /// <param name="reading">How it is read.</param>
    /// <param name="length">Tokens of T5, also those that are zero without it.</param>
    /// <param name="device">Where the networks are.</param>
    /// <param name="say">Takes a line for the user.</param>
    /// <exception cref="DiffSynthException">The prompt or a tokenizer doesn't fit.</exception>
    public Conditioning Encode(string text, PromptReading reading, int length, Device device, Action<string> say)
    {
        using var scope = NewDisposeScope();
        if (T5 is null) say("The model has no T5 text encoder: zeros stand in its place, and long or written text is followed less well.");
        // Rows without begin and end are nothing these encoders were trained on, so long prompts go in chunks.
        var forClip = reading with { ClipSkip = reading.ClipSkip + TrainedSkip, LongPrompt = reading.LongPrompt == LongPrompt.Cut ? LongPrompt.Cut : LongPrompt.Chunks };
        ClipStates? States(Sd3Clip? clip) => clip is null ? null : new ClipPromptEncoder(clip.Encoder.Network, clip.Tokenizer, device).EncodeWithPooled(text, forClip, projects: true, say);
        var t5 = T5 is var (encoder, tokenizer) ? new T5PromptEncoder(encoder.Network, tokenizer, device).Encode(reading.SecondText ?? text, reading, length, say) : null;
        var (context, pooled) = Sd3Text.Join(widths, States(ClipL), States(ClipG), t5, length);
        return new(context.MoveToOuterDisposeScope(), pooled.MoveToOuterDisposeScope());
    }

    /// <summary>A conditioning of the usual length that says nothing.</summary>
    public Conditioning Blank(int length, Device device) => new(zeros([1, 77 + length, widths.Context], device: device), zeros([1, widths.ClipL + widths.ClipG], device: device));

    /// <summary>Gives the networks' memory back until the next prompt.</summary>
    public void Release()
    {
        ClipL?.Encoder.Release();
        ClipG?.Encoder.Release();
        T5?.Encoder.Release();
    }

    public void Dispose()
    {
        ClipL?.Encoder.Dispose();
        ClipG?.Encoder.Dispose();
        T5?.Encoder.Dispose();
    }
}
