using DiffSynthSharp.Imaging;
using DiffSynthSharp.Models.Annotators;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Annotators;

/// <summary>Depth as a depth ControlNet expects it, by Depth-Anything: near is white.</summary>
/// <remarks>
/// huggingface/transformers 4.46, models/dpt/image_processing_dpt.py with the settings of Depth-Anything-V2-Small-hf: the side that changes least becomes
/// 518 pixels, the aspect stays, both sides are multiples of the patch; bicubic there and back.
/// </remarks>
internal static class DepthAnythingDetector
{
    private const int Side = 518;
    private const int MostPatches = 128 * 128;
    private static readonly float[] s_mean = [0.485f, 0.456f, 0.406f];
    private static readonly float[] s_deviation = [0.229f, 0.224f, 0.225f];

    public static Picture Run(DepthAnything network, Picture picture, Device device)
    {
        using var scope = NewDisposeScope();
        var (width, height) = Size(picture.Width, picture.Height, (int)network.Config.Patch);
        var pixels = picture.Resize(width, height).ToHint();
        var normal = pixels.sub_(tensor(s_mean).view(1, 3, 1, 1)).div_(tensor(s_deviation).view(1, 3, 1, 1));
        var depth = network.forward(normal.to(device)).cpu().unsqueeze(1);
        var resized = nn.functional.interpolate(depth, [picture.Height, picture.Width], mode: InterpolationMode.Bicubic, align_corners: false);
        return resized.Stretched().Levels().ToPicture();
    }

    /// <summary>The size that a picture is looked at with.</summary>
    internal static (int Width, int Height) Size(int width, int height, int patch)
    {
        double wide = (double)Side / width, tall = (double)Side / height;
        var scale = Math.Abs(1 - wide) < Math.Abs(1 - tall) ? wide : tall;
        var most = Math.Sqrt((double)MostPatches * patch * patch / ((double)width * height));
        scale = Math.Min(scale, most);
        return (Rounded(width * scale), Rounded(height * scale));

        int Rounded(double side) => Math.Max(1, (int)Math.Round(side / patch)) * patch;
    }
}
