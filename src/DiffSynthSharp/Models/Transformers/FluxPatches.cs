using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>Latents as tokens: a token is a 2×2 patch, row by row; its numbers are ordered by channel, row, column.</summary>
/// <remarks>black-forest-labs/flux, src/flux/sampling.py, prepare and unpack.</remarks>
internal static class FluxPatches
{
    private const int Axes = 3;

    /// <summary>(B, C, h, w) → (B, h/2 · w/2, 4·C)</summary>
    /// <exception cref="DiffSynthException">A side is odd.</exception>
    public static Tensor Pack(Tensor latents)
    {
        var (height, width) = (latents.shape[2], latents.shape[3]);
        if (height % FluxConfig.Patch != 0 || width % FluxConfig.Patch != 0)
            throw new DiffSynthException($"FLUX.1 works on latents with even sides, found {width}×{height}: the picture's sides must be multiples of 16.");
        using var scope = NewDisposeScope();
        return nn.functional.pixel_unshuffle(latents, FluxConfig.Patch).flatten(2).transpose(1, 2).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>The inverse of <see cref="Pack"/>.</summary>
    /// <param name="tokens">(B, h/2 · w/2, 4·C)</param>
    /// <param name="height">h</param>
    /// <param name="width">w</param>
    public static Tensor Unpack(Tensor tokens, long height, long width)
    {
        using var scope = NewDisposeScope();
        var map = tokens.transpose(1, 2).reshape(tokens.shape[0], tokens.shape[2], height / FluxConfig.Patch, width / FluxConfig.Patch);
        return nn.functional.pixel_shuffle(map, FluxConfig.Patch).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Where tokens are: text at the origin, patches at their row and column; the first axis is 0 throughout.</summary>
    /// <param name="text">M, tokens of text; they come first.</param>
    /// <param name="rows">Patches from top to bottom.</param>
    /// <param name="columns">Patches from left to right.</param>
    /// <returns>(M + rows · columns, 3) float32 on the CPU</returns>
    public static Tensor Positions(long text, long rows, long columns)
    {
        using var scope = NewDisposeScope();
        var row = arange(rows, dtype: ScalarType.Float32).unsqueeze(1).expand(rows, columns);
        var column = arange(columns, dtype: ScalarType.Float32).unsqueeze(0).expand(rows, columns);
        var patches = stack([zeros_like(row), row, column], -1).reshape(rows * columns, Axes);
        return cat([zeros(text, Axes), patches]).MoveToOuterDisposeScope();
    }
}
