using SkiaSharp;

namespace DiffSynthSharp.Training.Drawings;

/// <summary>Paints what lies behind the objects, in a square of 128 units.</summary>
internal static class ScenePainter
{
    private const float Side = Drawing.Side;

    /// <summary>Paints a scene.</summary>
    /// <param name="canvas">128 × 128 units.</param>
    /// <param name="scene">Index into <see cref="DrawingWorld.Scenes"/>.</param>
    /// <param name="random">Gives the shades.</param>
    /// <returns>Where things stand: the y of the ground, or null where they float in the middle.</returns>
    public static float? Paint(SKCanvas canvas, int scene, Random random)
    {
        var horizon = 74 + random.NextSingle() * 12;
        switch (DrawingWorld.Scenes[scene])
        {
            case "by the sea":
                Sky(canvas, new(150, 205, 245), new(215, 238, 252), horizon);
                Band(canvas, horizon, Side, Shade(new(45, 120, 190), random));
                Band(canvas, 104, Side, Shade(new(235, 215, 160), random));
                return 108;
            case "at sunset":
                Sky(canvas, new(110, 60, 120), new(255, 150, 70), horizon);
                Disc(canvas, 24 + random.NextSingle() * 80, horizon - 2, 13, new(255, 225, 120));
                Band(canvas, horizon, Side, Shade(new(75, 50, 60), random));
                return 108;
            case "at night":
                Sky(canvas, new(10, 15, 50), new(35, 45, 95), horizon);
                for (var i = 0; i < 12; i++) Disc(canvas, random.NextSingle() * Side, random.NextSingle() * 60, 0.9f, new(255, 255, 220));
                Disc(canvas, 20 + random.NextSingle() * 88, 20, 9, new(245, 240, 200));
                Band(canvas, horizon, Side, Shade(new(20, 35, 45), random));
                return 108;
            case "in the snow":
                Sky(canvas, new(165, 185, 205), new(205, 220, 232), horizon);
                Band(canvas, horizon, Side, Shade(new(228, 236, 246), random));
                for (var i = 0; i < 16; i++) Disc(canvas, random.NextSingle() * Side, random.NextSingle() * 80, 1.4f, new(250, 250, 255));
                return 108;
            case "in a green field":
                Sky(canvas, new(120, 190, 245), new(200, 230, 250), horizon);
                Band(canvas, horizon, Side, Shade(new(115, 190, 85), random));
                return 108;
            case "in the desert":
                Sky(canvas, new(130, 200, 235), new(245, 232, 200), horizon);
                Band(canvas, horizon, Side, Shade(new(222, 184, 120), random));
                return 108;
            case "on a grey background":
                canvas.Clear(Shade(new(140, 140, 145), random));
                return null;
            default:
                canvas.Clear(Shade(new(22, 22, 24), random));
                return null;
        }
    }

    /// <summary>A colour up to 6 % lighter or darker.</summary>
    public static SKColor Shade(SKColor colour, Random random)
    {
        var factor = 0.94f + random.NextSingle() * 0.12f;
        byte Scaled(byte value) => (byte)Math.Clamp(value * factor, 0, 255);
        return new(Scaled(colour.Red), Scaled(colour.Green), Scaled(colour.Blue));
    }

    private static void Sky(SKCanvas canvas, SKColor top, SKColor bottom, float horizon)
    {
        using var shader = SKShader.CreateLinearGradient(new(0, 0), new(0, horizon), [top, bottom], SKShaderTileMode.Clamp);
        using var paint = new SKPaint { Shader = shader };
        canvas.DrawRect(0, 0, Side, horizon + 1, paint);
    }

    private static void Band(SKCanvas canvas, float top, float bottom, SKColor colour)
    {
        using var paint = new SKPaint { Color = colour, IsAntialias = true };
        canvas.DrawRect(0, top, Side, bottom - top, paint);
    }

    private static void Disc(SKCanvas canvas, float x, float y, float radius, SKColor colour)
    {
        using var paint = new SKPaint { Color = colour, IsAntialias = true };
        canvas.DrawCircle(x, y, radius, paint);
    }
}
