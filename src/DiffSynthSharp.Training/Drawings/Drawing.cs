using SkiaSharp;

namespace DiffSynthSharp.Training.Drawings;

/// <summary>Turns a plan into pixels.</summary>
internal static class Drawing
{
    /// <summary>Pixels along a side.</summary>
    public const int Side = 128;

    private const float FloatingCentre = 64;

    /// <summary>Paints a plan.</summary>
    /// <returns>RGB bytes, row by row, 3 × 128 × 128 of them.</returns>
    public static byte[] Paint(DrawingPlan plan)
    {
        var random = new Random(plan.JitterSeed);
        using var bitmap = new SKBitmap(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using (var canvas = new SKCanvas(bitmap))
        {
            var ground = ScenePainter.Paint(canvas, plan.Scene, random);
            for (var i = 0; i < plan.Objects.Count; i++) Place(canvas, plan.Objects[i], i, plan.Objects.Count, ground, random);
        }
        return Rgb(bitmap);
    }

    private static void Place(SKCanvas canvas, PlannedObject planned, int index, int count, float? ground, Random random)
    {
        var half = count == 1 ? 34 + random.NextSingle() * 9 : 24 + random.NextSingle() * 4;
        var x = (count == 1 ? 64 : index == 0 ? 33 : 95) + (random.NextSingle() - 0.5f) * (count == 1 ? 26 : 6);
        var y = ground is { } stand ? stand + (random.NextSingle() - 0.5f) * 10 - half : FloatingCentre + (random.NextSingle() - 0.5f) * 18;
        var (_, red, green, blue) = DrawingWorld.Colours[planned.Colour];
        canvas.Save();
        canvas.Translate(x, y);
        canvas.Scale(random.Next(2) == 0 ? half : -half, half);
        using (var painter = new ObjectPainter(canvas, ScenePainter.Shade(new(red, green, blue), random))) painter.Paint(DrawingWorld.Objects[planned.Object]);
        canvas.Restore();
    }

    private static byte[] Rgb(SKBitmap bitmap)
    {
        var rgba = bitmap.GetPixelSpan();
        var rgb = new byte[3 * Side * Side];
        for (var i = 0; i < Side * Side; i++) rgba.Slice(i * 4, 3).CopyTo(rgb.AsSpan(i * 3));
        return rgb;
    }
}
