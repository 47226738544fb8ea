using DiffSynthSharp.Memory;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Tokenizers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families.Flux;

/// <summary>FLUX.1's two text encoders: T5's states to attend to, CLIP-L's pooled vector for the whole prompt.</summary>
internal sealed class FluxText(ResidentNetwork<ClipTextEncoder> clip, ClipTokenizer clipTokenizer, ResidentNetwork<T5Encoder> t5, T5Tokenizer t5Tokenizer) : IDisposable
{
    /// <param name="text">What stands at one step.</param>
    /// <param name="reading">How it is read.</param>
    /// <param name="length">Tokens of T5 when the reading names none.</param>
    /// <param name="device">Where the networks are.</param>
    /// <param name="say">Takes a line for the user.</param>
    /// <exception cref="DiffSynthException">The prompt or a tokenizer doesn't fit.</exception>
    public Conditioning Encode(string text, PromptReading reading, int length, Device device, Action<string> say)
    {
        using var scope = NewDisposeScope();
        // The vector is pooled at the end token, which only a row that is closed has.
        var forClip = reading with { Name = $"{reading.Name}, for CLIP's summary,", LongPrompt = LongPrompt.Cut };
        var pooled = new ClipPromptEncoder(clip.Network, clipTokenizer, device).EncodeWithPooled(text, forClip, projects: false, say).Pooled;
        var states = new T5PromptEncoder(t5.Network, t5Tokenizer, device).Encode(reading.SecondText ?? text, reading, reading.TextLength ?? length, say);
        return new(states.MoveToOuterDisposeScope(), pooled.MoveToOuterDisposeScope());
    }

    /// <summary>Gives the networks' memory back until the next prompt.</summary>
    public void Release()
    {
        clip.Release();
        t5.Release();
    }

    public void Dispose()
    {
        clip.Dispose();
        t5.Dispose();
    }
}
