using SkiaSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>Many small pictures on one sheet, to look at while a run goes on.</summary>
internal static class PictureGrid
{
    /// <summary>Writes a PNG.</summary>
    /// <param name="path">The file; replaced when it is there.</param>
    /// <param name="pictures">(B, 3, H, W) in −1 … 1</param>
    /// <param name="columns">Pictures in a row.</param>
    public static void Save(string path, Tensor pictures, int columns)
    {
        using var scope = NewDisposeScope();
        int count = (int)pictures.shape[0], height = (int)pictures.shape[2], width = (int)pictures.shape[3];
        var bytes = ((pictures.clamp(-1, 1) + 1) * 127.5).round().to(ScalarType.Byte).permute(0, 2, 3, 1).contiguous().data<byte>().ToArray();
        using var sheet = new SKBitmap(columns * width, (count + columns - 1) / columns * height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        for (var i = 0; i < count; i++)
            for (var y = 0; y < height; y++)
                for (var x = 0; x < width; x++)
                {
                    var at = ((i * height + y) * width + x) * 3;
                    sheet.SetPixel(i % columns * width + x, i / columns * height + y, new(bytes[at], bytes[at + 1], bytes[at + 2]));
                }
        var temporary = path + ".tmp";
        using (var file = File.Create(temporary)) sheet.Encode(file, SKEncodedImageFormat.Png, 100);
        File.Move(temporary, path, overwrite: true);
    }
}
