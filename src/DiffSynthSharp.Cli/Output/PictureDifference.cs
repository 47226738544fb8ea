using System.Globalization;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Cli.Output;

/// <summary>How far two pictures are apart.</summary>
/// <param name="Pixels">Pixels of the first one.</param>
/// <param name="Differing">Pixels that differ; all when the sizes do.</param>
/// <param name="Largest">The largest difference of a channel in levels.</param>
/// <param name="Mean">The mean difference of a channel in levels.</param>
internal sealed record PictureDifference(int Pixels, int Differing, int Largest, double Mean)
{
    public bool IsNone => Differing == 0;

    public static PictureDifference Of(Picture expected, Picture made)
    {
        var pixels = expected.Width * expected.Height;
        if ((expected.Width, expected.Height) != (made.Width, made.Height)) return new(pixels, pixels, 255, 255);
        var (differing, largest, sum) = (0, 0, 0L);
        for (var at = 0; at < expected.Rgb.Length; at += 3)
        {
            var pixel = 0;
            for (var c = 0; c < 3; c++)
            {
                var difference = Math.Abs(expected.Rgb[at + c] - made.Rgb[at + c]);
                pixel = Math.Max(pixel, difference);
                sum += difference;
            }
            if (pixel > 0) differing++;
            largest = Math.Max(largest, pixel);
        }
        return new(pixels, differing, largest, (double)sum / expected.Rgb.Length);
    }

    public override string ToString() => IsNone ? "identical"
        : string.Create(CultureInfo.InvariantCulture, $"{Differing} of {Pixels} pixels differ, by {Largest} levels at most and {Mean:0.###} in the mean");
}
