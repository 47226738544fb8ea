using DiffSynthSharp.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>ESRGAN networks in both layouts: tensors, a picture, and a picture cut into tiles.</summary>
internal sealed class UpscalerRunner : IGoldenRunner
{
    public string Kind => "upscaler";

    public void Run(GoldenCase @case)
    {
        using var written = @case.WriteWeights(@case.Text("layout")!);
        using var tensors = @case.Tensors();
        using var upscaler = Upscaler.Load(written.Path);
        if (tensors.Has("in.pixels"))
        {
            GoldenAssert.Close("pixels", Larger(upscaler, tensors["in.pixels"], 0, 0), tensors["out.pixels"], @case.Tolerance);
            return;
        }
        var picture = tensors["in.picture"];
        var pixels = (picture.to(ScalarType.Float32) / 255).permute(2, 0, 1).unsqueeze(0);
        var (tile, pad) = @case.Json.TryGetProperty("tile", out var size) ? (size.GetInt32(), @case.Json.GetProperty("tile_pad").GetInt32()) : (0, 0);
        GoldenAssert.Close("pixels", Larger(upscaler, pixels, tile, pad), tensors["out.pixels"], @case.Tolerance);
        if (tensors.Has("out.picture")) ComparePicture(@case, upscaler, picture, tensors["out.picture"]);
    }

    private static Tensor Larger(Upscaler upscaler, Tensor pixels, int tile, int pad)
    {
        var larger = zeros(pixels.shape[0], pixels.shape[1], pixels.shape[2] * upscaler.Scale, pixels.shape[3] * upscaler.Scale);
        upscaler.Run(pixels, tile, pad, null, (top, left, part) => larger.narrow(2, top, part.shape[2]).narrow(3, left, part.shape[3]).copy_(part));
        return larger;
    }

    private static void ComparePicture(GoldenCase @case, Upscaler upscaler, Tensor picture, Tensor expected)
    {
        var larger = upscaler.Upscale(new Picture((int)picture.shape[1], (int)picture.shape[0], picture.contiguous().data<byte>().ToArray()), tile: 0);
        var steps = (tensor(larger.Rgb.ToArray(), expected.shape, ScalarType.Int32) - expected.to(ScalarType.Int32)).abs().max().ToInt32();
        Assert.InRange(steps, 0, @case.Json.GetProperty("uint8_steps").GetInt32());
    }
}
