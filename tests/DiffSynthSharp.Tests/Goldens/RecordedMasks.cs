using System.Globalization;
using DiffSynthSharp.Imaging;
using static DiffSynthSharp.Tests.Goldens.ImageOpsRunner;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Masks made soft, and masks of latents.</summary>
internal static class RecordedMasks
{
    public static void Blurs(GoldenCase @case, GoldenTensors tensors)
    {
        var tolerance = @case.Json.GetProperty("float_tolerance").GetDouble();
        var (hard, soft) = (Pixels(tensors["in.hard"]), Pixels(tensors["in.soft"]));
        var gray = new GrayPicture(hard.Width, hard.Height, hard.Bytes);
        float[] values = [.. soft.Bytes.Select(level => level / 255f)];
        foreach (var kernel in @case.Json.GetProperty("kernels").EnumerateArray())
        {
            var n = kernel.GetProperty("n").GetInt32();
            var taps = GaussianBlur.Taps(kernel.GetProperty("size").GetInt32(), kernel.GetProperty("sigma").GetDouble());
            RecordedPictures.Near($"taps.{n}", tensor(taps), tensors[$"out.taps.{n}"], tolerance);
            var blurred = GaussianBlur.Of(gray, taps, taps);
            Close($"cv2.{n}", new(hard.Width, hard.Height, 1, blurred.Levels), tensors[$"out.cv2.{n}"], 0);
            var ours = tensor(GaussianBlur.Of(values, soft.Width, soft.Height, taps, taps), [soft.Height, soft.Width]);
            RecordedPictures.Near($"cv2float.{n}", ours, tensors[$"out.cv2float.{n}"], tolerance);
            if (tensors.Has($"out.torchvision.{n}")) RecordedPictures.Near($"torchvision.{n}", ours, tensors[$"out.torchvision.{n}"], tolerance);
        }
        foreach (var name in tensors.Outputs.Where(name => name.StartsWith("out.a1111.", StringComparison.Ordinal)))
        {
            var blurred = gray.Blurred(double.Parse(name["out.a1111.".Length..], CultureInfo.InvariantCulture));
            Close(name, new(hard.Width, hard.Height, 1, blurred.Levels), tensors[name], 0);
        }
    }

    public static void LatentMasks(GoldenCase @case, GoldenTensors tensors)
    {
        var mask = Picture.Of(Pixels(tensors["in.mask"]));
        var (width, height) = RecordedPictures.Pair(@case.Json.GetProperty("size"));
        void Same(string name, Tensor ours) => RecordedPictures.Near(name, ours[0, 0], tensors[name], @case.Tolerance);
        var soft = LatentMask.Soft(mask, height, width);
        Same("out.a1111.soft", soft);
        Same("out.a1111", LatentMask.Rounded(mask, height, width));
        Same("out.diffusers", LatentMask.Nearest(mask, height, width));
        Same("out.diffsynth", LatentMask.Middle(mask, height, width));
        GoldenAssert.Close("blend", LatentMask.Blend(tensors["in.original"], tensors["in.generated"], soft), tensors["out.blend"], @case.Tolerance);
    }
}
