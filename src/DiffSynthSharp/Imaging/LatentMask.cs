using static TorchSharp.torch;

namespace DiffSynthSharp.Imaging;

/// <summary>Masks at the size of latents: (1, 1, height, width) float32, 1 where the mask is white.</summary>
internal static class LatentMask
{
    private const double ReferenceBlur = 10;
    private const double ReferenceSide = 64;
    private const double KernelReach = 1.6;

    /// <summary>0 … 1, as bright as the mask is.</summary>
    /// <remarks>AUTOMATIC1111/stable-diffusion-webui, modules/processing.py: bicubic, the first channel.</remarks>
    public static Tensor Soft(Picture mask, int height, int width)
    {
        var small = mask.Resize(width, height);
        return Of([.. Enumerable.Range(0, width * height).Select(i => small.Rgb[3 * i] / 255f)], height, width);
    }

    /// <summary>0 or 1, halves to 0.</summary>
    /// <remarks>AUTOMATIC1111/stable-diffusion-webui, modules/processing.py (<c>mask_round</c>).</remarks>
    public static Tensor Rounded(Picture mask, int height, int width)
    {
        using var scope = NewDisposeScope();
        return Soft(mask, height, width).round().MoveToOuterDisposeScope();
    }

    /// <summary>0 or 1: decided in pixels, then every eighth pixel taken.</summary>
    /// <remarks>huggingface/diffusers, image_processor.py (<c>binarize</c>) and the inpainting pipelines (<c>prepare_mask_latents</c>).</remarks>
    public static Tensor Nearest(Picture mask, int height, int width)
    {
        var gray = GrayPicture.Of(mask);
        float At(int y, int x) => gray.Levels[(int)((long)y * mask.Height / height) * mask.Width + (int)((long)x * mask.Width / width)] / 255f >= 0.5f ? 1 : 0;
        return Of([.. Enumerable.Range(0, width * height).Select(i => At(i / width, i % width))], height, width);
    }

    /// <summary>0 or 1: whether the mean of the channels is over the middle.</summary>
    /// <remarks>modelscope/DiffSynth-Studio 1.1.9, pipelines/base.py (<c>preprocess_masks</c>).</remarks>
    public static Tensor Middle(Picture mask, int height, int width) => Of(Decided(mask, height, width), height, width);

    /// <summary>A region's weight, 0 … 1, which fades over its border.</summary>
    /// <param name="mask">White is where it counts; of any size.</param>
    /// <param name="height">Latent cells.</param>
    /// <param name="width">Latent cells.</param>
    /// <param name="blur">Deviation of the Gaussian in cells; null: <see cref="RegionBlur"/>.</param>
    /// <remarks>modelscope/DiffSynth-Studio 1.1.9, pipelines/base.py (<c>control_noise_via_local_prompts</c>): a Gaussian of 33 cells and σ = 10.</remarks>
    public static Tensor Region(Picture mask, int height, int width, double? blur = null)
    {
        var sigma = blur ?? RegionBlur(height, width);
        if (sigma == 0) return Middle(mask, height, width);
        var taps = GaussianBlur.Taps(2 * (int)Math.Ceiling(KernelReach * sigma) + 1, sigma);
        return Of(GaussianBlur.Of(Decided(mask, height, width), width, height, taps, taps), height, width);
    }

    /// <summary>DiffSynth-Studio's blur on latents of 64 cells and more; on smaller ones it would level out every region, so there it shrinks in proportion.</summary>
    public static double RegionBlur(int height, int width) => ReferenceBlur * Math.Min(1, Math.Min(height, width) / ReferenceSide);

    /// <summary>The original where the mask is 0, what was generated where it is 1.</summary>
    public static Tensor Blend(Tensor original, Tensor generated, Tensor mask)
    {
        using var scope = NewDisposeScope();
        return (original * (1 - mask) + generated * mask).MoveToOuterDisposeScope();
    }

    private static float[] Decided(Picture mask, int height, int width)
    {
        var small = mask.Resize(width, height);
        int Sum(int at) => small.Rgb[at] + small.Rgb[at + 1] + small.Rgb[at + 2];
        return [.. Enumerable.Range(0, width * height).Select(i => Sum(3 * i) > 3 * 127.5 ? 1f : 0)];
    }

    private static Tensor Of(float[] values, int height, int width) => tensor(values, [1, 1, height, width]);
}
