using static TorchSharp.torch;

namespace DiffSynthSharp.Imaging;

/// <summary>Pictures as tensors, and back.</summary>
/// <remarks>huggingface/diffusers, image_processor.py; modelscope/DiffSynth-Studio, pipelines/base.py (<c>vae_output_to_image</c>).</remarks>
internal static class PictureTensors
{
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
        // One copy, changed in place: a large picture's floats take four times its bytes.
        var scaled = values.detach().to(ScalarType.Float32).cpu().div(2f).add_(0.5f).nan_to_num_(0.0).clamp_(0f, 1f).mul_(255f);
        var bytes = (rounding == ByteRounding.Nearest ? scaled.round_() : scaled.floor_()).to(ScalarType.Byte).permute(0, 2, 3, 1).contiguous();
        var (height, width) = ((int)values.shape[2], (int)values.shape[3]);
        return [.. bytes.unbind(0).Select(one => new Picture(width, height, one.data<byte>().ToArray()))];
    }
}
