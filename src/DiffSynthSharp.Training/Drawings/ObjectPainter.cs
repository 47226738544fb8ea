using SkiaSharp;

namespace DiffSynthSharp.Training.Drawings;

/// <summary>Paints one object in a square from −1 to 1, standing on y = 1, in one main colour with a darker outline.</summary>
internal sealed class ObjectPainter : IDisposable
{
    private static readonly SKColor s_dark = new(45, 40, 45);
    private static readonly SKColor s_glass = new(190, 225, 240);
    private static readonly SKColor s_wood = new(110, 75, 45);

    private readonly SKCanvas _canvas;
    private readonly SKPaint _fill;
    private readonly SKPaint _line;
    private readonly SKPaint _detail = new() { IsAntialias = true };

    public ObjectPainter(SKCanvas canvas, SKColor colour)
    {
        _canvas = canvas;
        _fill = new() { Color = colour, IsAntialias = true };
        _line = new()
        {
            Color = new((byte)(colour.Red * 0.45), (byte)(colour.Green * 0.45), (byte)(colour.Blue * 0.45)),
            IsAntialias = true,
            IsStroke = true,
            StrokeWidth = 0.07f,
            StrokeJoin = SKStrokeJoin.Round,
        };
    }

    /// <summary>Paints the object of this name, one of <see cref="DrawingWorld.Objects"/>.</summary>
    public void Paint(string name)
    {
        switch (name)
        {
            case "car": Car(); break;
            case "house": House(); break;
            case "tree": Tree(); break;
            case "boat": Boat(); break;
            case "star": Both(Polygon(StarPoints())); break;
            case "heart": Heart(); break;
            case "circle": Disc(0, 0, 0.9f); break;
            case "square": Box(-0.82f, -0.82f, 0.82f, 0.82f); break;
            case "triangle": Both(Polygon([0, -0.9f, 0.95f, 0.8f, -0.95f, 0.8f])); break;
            case "flower": Flower(); break;
            case "fish": Fish(); break;
            case "cat": Cat(); break;
            default: throw new ArgumentException($"There is no drawing of a '{name}'.", nameof(name));
        }
    }

    private void Car()
    {
        Both(Polygon([-0.5f, 0, -0.32f, -0.5f, 0.38f, -0.5f, 0.62f, 0]));
        Box(-1, -0.05f, 1, 0.55f);
        Plain(s_glass, Polygon([-0.34f, -0.03f, -0.22f, -0.38f, 0, -0.38f, 0, -0.03f]));
        Plain(s_glass, Polygon([0.08f, -0.03f, 0.08f, -0.38f, 0.3f, -0.38f, 0.46f, -0.03f]));
        Plain(s_dark, -0.52f, 0.58f, 0.27f);
        Plain(s_dark, 0.52f, 0.58f, 0.27f);
        Plain(new(200, 200, 200), -0.52f, 0.58f, 0.11f);
        Plain(new(200, 200, 200), 0.52f, 0.58f, 0.11f);
    }

    private void House()
    {
        Box(-0.72f, -0.15f, 0.72f, 0.95f);
        Both(Polygon([-0.95f, -0.12f, 0, -0.95f, 0.95f, -0.12f]));
        Plain(s_wood, Polygon([-0.18f, 0.95f, -0.18f, 0.35f, 0.18f, 0.35f, 0.18f, 0.95f]));
        Plain(s_glass, Polygon([-0.58f, 0.1f, -0.3f, 0.1f, -0.3f, 0.38f, -0.58f, 0.38f]));
        Plain(s_glass, Polygon([0.3f, 0.1f, 0.58f, 0.1f, 0.58f, 0.38f, 0.3f, 0.38f]));
    }

    private void Tree()
    {
        Plain(s_wood, Polygon([-0.14f, 1, -0.14f, 0.2f, 0.14f, 0.2f, 0.14f, 1]));
        using var crown = new SKPath();
        crown.AddCircle(-0.38f, -0.05f, 0.42f);
        crown.AddCircle(0.38f, -0.05f, 0.42f);
        crown.AddCircle(0, -0.48f, 0.48f);
        crown.AddCircle(0, 0, 0.45f);
        using var outline = crown.Simplify();
        Both(outline ?? crown);
    }

    private void Boat()
    {
        Plain(s_wood, Polygon([-0.05f, -0.95f, 0.05f, -0.95f, 0.05f, 0.45f, -0.05f, 0.45f]));
        Both(Polygon([0.1f, -0.85f, 0.8f, 0.25f, 0.1f, 0.25f]));
        Both(Polygon([-0.1f, -0.65f, -0.65f, 0.25f, -0.1f, 0.25f]));
        Both(Polygon([-1, 0.38f, 1, 0.38f, 0.65f, 0.95f, -0.65f, 0.95f]));
    }

    private void Heart()
    {
        using var path = new SKPath();
        path.MoveTo(0, 0.9f);
        path.CubicTo(-1.35f, 0, -0.9f, -1.05f, 0, -0.4f);
        path.CubicTo(0.9f, -1.05f, 1.35f, 0, 0, 0.9f);
        path.Close();
        Both(path);
    }

    private void Flower()
    {
        Plain(new(60, 130, 60), Polygon([-0.06f, 0, 0.06f, 0, 0.06f, 1, -0.06f, 1]));
        Plain(new(60, 130, 60), Polygon([0, 0.8f, 0.45f, 0.45f, 0.3f, 0.8f]));
        for (var i = 0; i < 6; i++)
            Disc(0.42f * MathF.Cos(i * MathF.PI / 3), -0.35f + 0.42f * MathF.Sin(i * MathF.PI / 3), 0.27f);
        Plain(new(120, 80, 30), 0, -0.35f, 0.24f);
    }

    private void Fish()
    {
        Both(Polygon([0.5f, 0, 1, -0.5f, 1, 0.5f]));
        using var body = new SKPath();
        body.AddOval(new(-1, -0.52f, 0.65f, 0.52f));
        Both(body);
        Plain(new(255, 255, 255), -0.6f, -0.12f, 0.13f);
        Plain(s_dark, -0.62f, -0.12f, 0.07f);
    }

    private void Cat()
    {
        using var body = new SKPath();
        body.AddOval(new(-0.55f, 0, 0.55f, 1));
        Both(body);
        Both(Polygon([-0.5f, -0.35f, -0.48f, -0.95f, -0.1f, -0.6f]));
        Both(Polygon([0.5f, -0.35f, 0.48f, -0.95f, 0.1f, -0.6f]));
        Disc(0, -0.28f, 0.5f);
        Plain(s_dark, -0.2f, -0.35f, 0.08f);
        Plain(s_dark, 0.2f, -0.35f, 0.08f);
        Plain(new(240, 150, 150), Polygon([-0.08f, -0.18f, 0.08f, -0.18f, 0, -0.08f]));
    }

    private static float[] StarPoints()
    {
        var points = new float[20];
        for (var i = 0; i < 10; i++)
        {
            var radius = i % 2 == 0 ? 0.98f : 0.42f;
            points[2 * i] = radius * MathF.Sin(i * MathF.PI / 5);
            points[2 * i + 1] = 0.06f - radius * MathF.Cos(i * MathF.PI / 5);
        }
        return points;
    }

    private static SKPath Polygon(ReadOnlySpan<float> coordinates)
    {
        var path = new SKPath();
        for (var i = 0; i < coordinates.Length; i += 2)
            if (i == 0) path.MoveTo(coordinates[0], coordinates[1]);
            else path.LineTo(coordinates[i], coordinates[i + 1]);
        path.Close();
        return path;
    }

    private void Box(float left, float top, float right, float bottom) => Both(Polygon([left, top, right, top, right, bottom, left, bottom]));

    private void Disc(float x, float y, float radius)
    {
        _canvas.DrawCircle(x, y, radius, _fill);
        _canvas.DrawCircle(x, y, radius, _line);
    }

    private void Both(SKPath path)
    {
        using (path)
        {
            _canvas.DrawPath(path, _fill);
            _canvas.DrawPath(path, _line);
        }
    }

    private void Plain(SKColor colour, SKPath path)
    {
        using (path)
        {
            _detail.Color = colour;
            _canvas.DrawPath(path, _detail);
        }
    }

    private void Plain(SKColor colour, float x, float y, float radius)
    {
        _detail.Color = colour;
        _canvas.DrawCircle(x, y, radius, _detail);
    }

    public void Dispose()
    {
        _fill.Dispose();
        _line.Dispose();
        _detail.Dispose();
    }
}
