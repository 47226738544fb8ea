using static TorchSharp.torch;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>Joins what the three text encoders of Stable Diffusion 3 say about a prompt.</summary>
/// <remarks>
/// Esser et al. 2024, figure 2; Stability-AI/sd3.5, sd3_infer.py (<c>get_cond</c>). An absent CLIP leaves zeros in its place, as in
/// comfyanonymous/ComfyUI, comfy/text_encoders/sd3_clip.py.
/// </remarks>
internal static class Sd3Text
{
    /// <summary>CLIP-L's and CLIP-G's states side by side and zeros up to T5's width, then T5's states behind them; both pooled vectors side by side.</summary>
    /// <param name="widths">Widths that an absent encoder's zeros have.</param>
    /// <param name="clipL">CLIP-L's states of the last layer but one, and its pooled vector; null without that encoder.</param>
    /// <param name="clipG">CLIP-G's; null without that encoder.</param>
    /// <param name="t5">T5's states, (B, M, width of the context); null without that encoder.</param>
    /// <param name="rowsWithoutT5">
    /// Rows of zeros in T5's place when it is absent: the text length for diffusers' and DiffSynth-Studio's way, 0 to leave them out (ComfyUI's way).
    /// </param>
    /// <returns>(B, rows of CLIP + rows of T5, width of the context) and (B, pooled of CLIP-L + pooled of CLIP-G). A CLIP of fewer rows is filled up with zeros.</returns>
    /// <exception cref="DiffSynthException">There is no encoder at all, or the states are wider than the context.</exception>
    public static (Tensor Context, Tensor Pooled) Join(Sd3TextWidths widths, ClipStates? clipL, ClipStates? clipG, Tensor? t5, long rowsWithoutT5)
    {
        using var scope = NewDisposeScope();
        var any = clipL?.States ?? clipG?.States ?? t5
            ?? throw new DiffSynthException("Stable Diffusion 3 needs a text encoder: CLIP-L, CLIP-G or T5. The model has none; name files of them.");
        var (batch, device) = (any.shape[0], any.device);
        Tensor Zeros(params long[] shape) => zeros(shape, device: device);
        var rows = Math.Max(clipL?.States.shape[1] ?? 0, clipG?.States.shape[1] ?? 0);
        Tensor Filled(Tensor? states, long width)
            => states is null ? Zeros(batch, rows, width) : nn.functional.pad(states, [0, 0, 0, rows - states.shape[1]]);
        var clips = cat([Filled(clipL?.States, widths.ClipL), Filled(clipG?.States, widths.ClipG)], -1);
        if (clips.shape[2] > widths.Context || (t5 is not null && t5.shape[2] != widths.Context))
            throw new DiffSynthException(
                $"The text encoders give states of width {clips.shape[2]} (CLIP) and {t5?.shape[2] ?? widths.Context} (T5), but the transformer takes {widths.Context}: they belong to different models.");
        var context = cat([nn.functional.pad(clips, [0, widths.Context - clips.shape[2]]), t5 ?? Zeros(batch, rowsWithoutT5, widths.Context)], 1);
        var pooled = cat([clipL?.Pooled ?? Zeros(batch, widths.ClipL), clipG?.Pooled ?? Zeros(batch, widths.ClipG)], -1);
        return (context.MoveToOuterDisposeScope(), pooled.MoveToOuterDisposeScope());
    }
}

/// <summary>Widths around Stable Diffusion 3's text.</summary>
/// <param name="ClipL">States and pooled vector of CLIP-L.</param>
/// <param name="ClipG">States and pooled vector of CLIP-G.</param>
/// <param name="Context">What the transformer attends to, which is T5's width.</param>
internal readonly record struct Sd3TextWidths(long ClipL = 768, long ClipG = 1280, long Context = 4096);
