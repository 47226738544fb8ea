using System.Text.Json;
using DiffSynthSharp.Imaging;
using TorchSharp;
using static DiffSynthSharp.Tests.Goldens.ImageOpsRunner;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Pictures that were resized, converted, cut and turned into tensors.</summary>
internal static class RecordedPictures
{
    public static void Resizes(GoldenTensors tensors)
    {
        var image = Pixels(tensors["in.image"]);
        var compared = 0;
        foreach (var name in tensors.Outputs)
        {
            // out.BICUBIC.64x48, out.BICUBIC.box.20x20, out.LANCZOS.reducing2.12x9; out.pillow13.… is another order of passes.
            var parts = name.Split('.');
            if (parts[1] == "pillow13") continue;
            Close(name, Resized(image, parts), tensors[name]);
            compared++;
        }
        Assert.InRange(compared, 4, int.MaxValue);
    }

    private static PixelGrid Resized(PixelGrid image, string[] parts)
    {
        if (parts[1] == "premultiplied") return Transparency.Premultiply(image);
        if (parts[1] == "and-back") return Transparency.Divide(Transparency.Premultiply(image));
        var filter = parts[1] == "default" ? ResizeFilter.Bicubic : Enum.Parse<ResizeFilter>(parts[1], ignoreCase: true);
        var (width, height) = parts[^1].Split('x') is [var w, var h] ? (int.Parse(w), int.Parse(h)) : throw new FormatException(parts[^1]);
        return parts is [_, _, "box", _] ? PictureResize.To(image, width, height, filter, new(2.5f, 3.25f, image.Width - 4.75f, image.Height - 1.5f))
            : parts is [_, _, "reducing2", _] ? PictureReduction.To(image, width, height, filter, 2)
            : PictureResize.To(image, width, height, filter);
    }

    public static void Conversions(GoldenTensors tensors)
    {
        var image = Pixels(tensors["in.image"]);
        var rgb = Transparency.Dropped(image);
        Close("rgba-to-rgb", rgb.Pixels, tensors["out.rgba-to-rgb"]);
        var gray = GrayPicture.Of(rgb);
        Close("rgb-to-l", new(gray.Width, gray.Height, 1, gray.Levels), tensors["out.rgb-to-l"]);
        Close("alpha-over-white", Transparency.OnWhite(image).Pixels, tensors["out.alpha-over-white"]);
    }

    public static void Crops(GoldenCase @case, GoldenTensors tensors)
    {
        var (images, references) = (0, 0);
        foreach (var run in @case.Json.GetProperty("runs").EnumerateArray())
            if (run.TryGetProperty("image", out _)) Crop(@case, tensors, run, images++);
            else
            {
                var picture = Picture.Of(Pixels(tensors[$"in.{run.GetProperty("reference").GetString()}"]));
                Close("reference", FittedPicture.Reference(picture, run.GetProperty("max_image_size").GetInt32()).Pixels, tensors[$"out.omnigen{references++}"]);
            }
        Assert.True(images > 0 && references > 0);
    }

    private static void Crop(GoldenCase @case, GoldenTensors tensors, JsonElement run, int index)
    {
        var picture = Picture.Of(Pixels(tensors[$"in.{run.GetProperty("image").GetString()}"]));
        var (width, height) = Pair(run.GetProperty("target"));
        var cover = Cover.Of(picture.Width, picture.Height, width, height);
        Assert.Equal((Pair(run.GetProperty("resized_to")), Pair(run.GetProperty("crop_left_top"))), ((cover.Width, cover.Height), (cover.Left, cover.Top)));
        var training = FittedPicture.Training(picture, width, height);
        Close($"train{index}", training.Pixels, tensors[$"out.train{index}"]);
        Near($"train{index}.tensor", training.ToTensor()[0], tensors[$"out.train{index}.tensor"], @case.Json.GetProperty("float_tolerance").GetDouble());
        Close($"webui{index}", FittedPicture.Upload(picture, width, height).Pixels, tensors[$"out.webui{index}"]);
    }

    public static void PixelValues(GoldenCase @case, GoldenTensors tensors)
    {
        var output = tensors["in.vae_output"];
        Close("truncated", output.ToPictures(ByteRounding.Truncate)[0].Pixels, tensors["out.vae_output_to_image"], 1, 0.005);
        Close("rounded", output.ToPictures()[0].Pixels, tensors["out.rounded"], 1, 0.005);
        Close("half", output.to(ScalarType.Float16).ToPictures(ByteRounding.Truncate)[0].Pixels, tensors["out.half_output"], 1, 0.005);
        var picture = Picture.Of(Pixels(tensors["in.pixels"]));
        var tolerance = @case.Json.GetProperty("float_tolerance").GetDouble();
        Near("network input", picture.ToTensor(), tensors["out.preprocess_image"], tolerance);
        Near("control input", picture.ToHint(), tensors["out.control_image"], tolerance);
    }

    internal static (int, int) Pair(JsonElement list) => (list[0].GetInt32(), list[1].GetInt32());

    /// <summary>|ours − expected| ≤ tolerance.</summary>
    internal static void Near(string what, Tensor ours, Tensor expected, double tolerance)
        => GoldenAssert.Close(what, ours, expected, tolerance / Math.Max(expected.abs().max().ToDouble(), 1e-30));
}
