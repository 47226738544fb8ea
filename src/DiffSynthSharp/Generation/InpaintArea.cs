using DiffSynthSharp.Imaging;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>A mask at a pass's size.</summary>
/// <remarks>
/// huggingface/diffusers, pipeline_stable_diffusion_inpaint.py: half white counts as white, a latent cell takes its top left pixel,
/// and checkpoints for inpainting see the picture with the white part set to mid-grey.
/// </remarks>
internal sealed class InpaintArea
{
    private const int HalfWhite = 128;

    private readonly GrayPicture _mask;

    private InpaintArea(GrayPicture mask) => _mask = mask;

    /// <summary>The mask, grown and softened, as large as the pass.</summary>
    public static InpaintArea Of(InpaintMask mask, int width, int height)
    {
        var gray = GrayPicture.Of(mask.Picture).Resize(width, height);
        return new(gray.Expanded(mask.Expand).Blurred(mask.Blur));
    }

    /// <summary>A mask that is white all over.</summary>
    public static InpaintArea Everything(int width, int height)
    {
        var levels = new byte[width * height];
        Array.Fill(levels, byte.MaxValue);
        return new(new(width, height, levels));
    }

    /// <summary>The mask over the latents.</summary>
    /// <returns>(1, 1, h, w), 1 where the picture is made anew, else 0</returns>
    public Tensor OverLatents(int reduction)
    {
        using var scope = NewDisposeScope();
        return White().slice(2, 0, _mask.Height, reduction).slice(3, 0, _mask.Width, reduction).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>The picture with the white part set to mid-grey.</summary>
    /// <param name="picture">(1, 3, H, W) in −1 … 1</param>
    public Tensor Hide(Tensor picture)
    {
        using var scope = NewDisposeScope();
        return (picture * (1 - White())).MoveToOuterDisposeScope();
    }

    /// <summary>The made picture where the mask is white, the original where it is black, and a blend where it is soft.</summary>
    public Picture Paste(Picture original, Picture made)
    {
        var rgb = new byte[made.Rgb.Length];
        for (var i = 0; i < rgb.Length; i++)
        {
            int alpha = _mask.Levels[i / 3];
            rgb[i] = (byte)((made.Rgb[i] * alpha + original.Rgb[i] * (255 - alpha) + 127) / 255);
        }
        return new(made.Width, made.Height, rgb);
    }

    /// <summary>1 where the mask is white, else 0: (1, 1, H, W).</summary>
    public Tensor White() => tensor(_mask.Levels, [1, 1, _mask.Height, _mask.Width], ScalarType.Byte).ge(HalfWhite).to(ScalarType.Float32);
}
