namespace DiffSynthSharp.Imaging;

/// <summary>Weighs pixels by a bell curve, along rows and along columns. What lies beyond the border is its mirror image, the border itself not repeated.</summary>
/// <remarks>opencv/opencv, modules/imgproc/src/smooth.dispatch.cpp (<c>GaussianBlur</c>, <c>getGaussianKernel</c>); torchvision's has the same weights.</remarks>
internal static class GaussianBlur
{
    /// <summary>The weights of one row of pixels, whose sum is 1.</summary>
    /// <param name="size">An odd number.</param>
    /// <param name="sigma">Standard deviation in pixels; 0: from the size, which for up to 7 pixels has fixed weights.</param>
    public static double[] Taps(int size, double sigma)
    {
        if (sigma <= 0 && Fixed(size) is { } known) return known;
        if (sigma <= 0) sigma = 0.3 * ((size - 1) * 0.5 - 1) + 0.8;
        var weights = Enumerable.Range(0, size).Select(i => Math.Exp(-0.5 * Math.Pow((i - (size - 1) / 2.0) / sigma, 2))).ToArray();
        var total = weights.Sum();
        return [.. weights.Select(weight => weight / total)];
    }

    /// <summary>Blurs bytes with weights of 8 fractional bits; rounded once, at the end.</summary>
    public static GrayPicture Of(GrayPicture picture, double[] across, double[] down)
    {
        var values = Of([.. picture.Levels.Select(level => (float)level)], picture.Width, picture.Height, Coarse(across), Coarse(down));
        return new(picture.Width, picture.Height, [.. values.Select(value => (byte)Math.Clamp((int)(value + 0.5f), 0, 255))]);
    }

    // What rounding takes from one weight is given to the next one towards the middle, which makes up the sum.
    private static double[] Coarse(double[] taps)
    {
        const double one = 256;
        var weights = new double[taps.Length];
        var (error, middle) = (0.0, taps.Length / 2);
        for (var i = 0; i < middle; i++)
        {
            var exact = taps[i] * one + error;
            weights[i] = weights[^(i + 1)] = Math.Round(exact) / one;
            error = exact - Math.Round(exact);
        }
        weights[middle] = 1 - weights.Sum();
        return weights;
    }

    /// <summary>Blurs values of (height, width).</summary>
    public static float[] Of(float[] values, int width, int height, double[] across, double[] down)
    {
        var rows = new float[values.Length];
        for (var y = 0; y < height; y++) Line(values, rows, y * width, 1, width, across);
        if (down.Length == 1) return rows;
        var result = new float[values.Length];
        for (var x = 0; x < width; x++) Line(rows, result, x, width, height, down);
        return result;
    }

    private static void Line(float[] from, float[] to, int start, int stride, int count, double[] taps)
    {
        var reach = taps.Length / 2;
        for (var i = 0; i < count; i++)
        {
            var isInside = i >= reach && i + reach < count;
            var sum = 0.0;
            for (var k = 0; k < taps.Length; k++)
            {
                var at = i + k - reach;
                sum += taps[k] * from[start + (isInside ? at : Mirrored(at, count)) * stride];
            }
            to[start + i * stride] = (float)sum;
        }
    }

    // Reflected as often as it takes: a picture may be smaller than the kernel.
    private static int Mirrored(int at, int count)
    {
        if (count == 1) return 0;
        var period = 2 * (count - 1);
        var rest = Math.Abs(at) % period;
        return rest < count ? rest : period - rest;
    }

    private static double[]? Fixed(int size) => size switch
    {
        1 => [1],
        3 => [0.25, 0.5, 0.25],
        5 => [0.0625, 0.25, 0.375, 0.25, 0.0625],
        7 => [0.03125, 0.109375, 0.21875, 0.28125, 0.21875, 0.109375, 0.03125],
        _ => null,
    };
}
