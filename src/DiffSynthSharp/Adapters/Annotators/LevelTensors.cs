using DiffSynthSharp.Imaging;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Annotators;

/// <summary>Pixels as detectors' networks take them, and their maps as grey levels.</summary>
internal static class LevelTensors
{
    /// <summary>(1, 3, H, W) float32 on the CPU, 0 … 1.</summary>
    public static Tensor ToHint(this PixelGrid pixels) => Picture.Of(pixels).ToHint();

    /// <summary>The smallest value becomes 0, the largest 1; a map of one value becomes 0.</summary>
    public static Tensor Stretched(this Tensor map)
    {
        using var scope = NewDisposeScope();
        var risen = map - map.min();
        return risen.div_(risen.max()).nan_to_num_(0.0).MoveToOuterDisposeScope();
    }

    /// <summary>The levels of a single map, cut off between bytes.</summary>
    /// <param name="map">(…, H, W) of one picture, 0 … 1</param>
    /// <param name="isInverted">Whether 0 becomes white.</param>
    public static GrayPicture Levels(this Tensor map, bool isInverted = false)
    {
        using var scope = NewDisposeScope();
        var bytes = map.nan_to_num(0.0).mul_(255f).clamp_(0f, 255f).to(ScalarType.Byte); // cuts off, as the reference does
        var levels = (isInverted ? 255 - bytes : bytes).contiguous();
        return new((int)map.shape[^1], (int)map.shape[^2], levels.data<byte>().ToArray());
    }
}
