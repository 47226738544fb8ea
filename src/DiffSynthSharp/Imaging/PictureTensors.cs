using static TorchSharp.torch;

namespace DiffSynthSharp.Imaging;

/// <summary>Pictures as tensors, and back.</summary>
/// <remarks>huggingface/diffusers, image_processor.py; modelscope/DiffSynth-Studio, pipelines/base.py (<c>vae_output_to_image</c>).</remarks>
internal static class PictureTensors
{
    private const int PixelsAtOnce = 1 << 20;

    /// <summary>The picture as (1, 3, height, width) float32 on the CPU, −1…1.</summary>
    public static Tensor ToTensor(this Picture picture)
    {
        using var scope = NewDisposeScope();
        var bytes = tensor(picture.Rgb.ToArray(), [1, picture.Height, picture.Width, 3], ScalarType.Byte);
        return bytes.permute(0, 3, 1, 2).to(ScalarType.Float32).contiguous().div_(127.5f).sub_(1f).MoveToOuterDisposeScope();
    }

    /// <summary>The picture as (1, 3, height, width) float32 on the CPU, 0…1: what a ControlNet looks at.</summary>
    public static Tensor ToHint(this Picture picture)
    {
        using var scope = NewDisposeScope();
        var bytes = tensor(picture.Rgb.ToArray(), [1, picture.Height, picture.Width, 3], ScalarType.Byte);
        return bytes.permute(0, 3, 1, 2).to(ScalarType.Float32).div(255f).contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>The pictures of a tensor (pictures, 3, height, width) of −1…1; values beyond are clipped, NaN is black.</summary>
    public static IReadOnlyList<Picture> ToPictures(this Tensor values, ByteRounding rounding = ByteRounding.Nearest)
    {
        using var scope = NewDisposeScope();
        var plain = values.detach();
        return [.. Enumerable.Range(0, (int)values.shape[0]).Select(k => ToPicture(plain[k], rounding))];
    }

    // Some rows at a time: a large picture's floats take four times its bytes, and every copy of them as much again.
    private static Picture ToPicture(Tensor values, ByteRounding rounding)
    {
        var (height, width) = ((int)values.shape[1], (int)values.shape[2]);
        var rgb = new byte[3 * height * width];
        var step = Math.Max(1, PixelsAtOnce / width);
        for (var top = 0; top < height; top += step)
        {
            using var scope = NewDisposeScope();
            var rows = values.narrow(1, top, Math.Min(step, height - top));
            var scaled = rows.to(ScalarType.Float32).cpu().div(2f).add_(0.5f).nan_to_num_(0.0).clamp_(0f, 1f).mul_(255f);
            var bytes = (rounding == ByteRounding.Nearest ? scaled.round_() : scaled.floor_()).to(ScalarType.Byte).permute(1, 2, 0).contiguous();
            bytes.data<byte>().ToArray().CopyTo(rgb, 3 * top * width);
        }
        return new(width, height, rgb);
    }
}
