using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Resized pictures, byte for byte.</summary>
internal sealed class ImageOpsRunner : IGoldenRunner
{
    public string Kind => "image-ops";

    public void Run(GoldenCase @case)
    {
        if (@case.Name != "case-resize-rgb") Assert.Skip($"No runner yet for image operations of '{@case.Name}'.");
        using var tensors = @case.Tensors();
        var picture = ToPicture(tensors["in.image"]);
        var compared = 0;
        foreach (var name in tensors.Outputs)
        {
            // out.BICUBIC.64x48; names of more parts are of calls that are not made here.
            var parts = name.Split('.');
            if (parts.Length != 3 || !Enum.TryParse<ResizeFilter>(parts[1], ignoreCase: true, out var filter)) continue;
            var (width, height) = parts[2].Split('x') is [var w, var h] ? (int.Parse(w), int.Parse(h)) : throw new FormatException(name);
            Assert.Equal(ToPicture(tensors[name]).Rgb.ToArray(), picture.Resize(width, height, filter).Rgb.ToArray());
            compared++;
        }
        Assert.InRange(compared, 4, int.MaxValue);
    }

    private static Picture ToPicture(TorchSharp.torch.Tensor tensor)
        => new((int)tensor.shape[1], (int)tensor.shape[0], tensor.to(TorchSharp.torch.ScalarType.Byte).contiguous().data<byte>().ToArray());
}
