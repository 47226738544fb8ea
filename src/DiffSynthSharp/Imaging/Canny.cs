namespace DiffSynthSharp.Imaging;

/// <summary>Finds edges, one pixel wide.</summary>
/// <remarks>
/// Canny (1986), as opencv/opencv has it (modules/imgproc/src/canny.cpp): Sobel gradients of 3 × 3 pixels with the border repeated, only
/// the largest across each edge kept, and from those above the upper threshold on along all above the lower one. Of a picture's colours
/// the one of the largest gradient counts.
/// </remarks>
internal static class Canny
{
    // tan 22.5° in 15 fractional bits.
    private const int Tangent = 13573, TangentBits = 15;

    private const byte Strong = 255, Weak = 1;

    /// <summary>White edges on black.</summary>
    /// <param name="pixels">Grey or coloured.</param>
    /// <param name="low">An edge goes on above this gradient.</param>
    /// <param name="high">An edge begins above this gradient.</param>
    /// <param name="isEuclidean">The gradient's length is √(x² + y²), else |x| + |y|.</param>
    public static GrayPicture Edges(PixelGrid pixels, double low, double high, bool isEuclidean = false)
    {
        if (low > high) (low, high) = (high, low);
        var gradients = new Gradients(pixels, isEuclidean);
        var edges = Thinned(gradients, Threshold(low, isEuclidean), Threshold(high, isEuclidean));
        Connect(edges, pixels.Width, pixels.Height);
        return new(pixels.Width, pixels.Height, edges);
    }

    private static int Threshold(double value, bool isEuclidean)
    {
        if (!isEuclidean) return (int)Math.Floor(value);
        value = Math.Min(32767, value);
        return (int)Math.Floor(value > 0 ? value * value : value);
    }

    /// <summary>Gradients with a border of one pixel in which there are none.</summary>
    private sealed class Gradients
    {
        public Gradients(PixelGrid pixels, bool isEuclidean)
        {
            (Width, Height) = (pixels.Width, pixels.Height);
            X = new short[Width * Height];
            Y = new short[Width * Height];
            Lengths = new int[(Width + 2) * (Height + 2)];
            for (var y = 0; y < Height; y++)
                for (var x = 0; x < Width; x++)
                {
                    var longest = -1;
                    for (var c = 0; c < pixels.Channels; c++)
                    {
                        var (dx, dy) = Sobel(pixels, x, y, c);
                        var length = isEuclidean ? dx * dx + dy * dy : Math.Abs(dx) + Math.Abs(dy);
                        if (length <= longest) continue;
                        longest = length;
                        (X[y * Width + x], Y[y * Width + x]) = ((short)dx, (short)dy);
                    }
                    Lengths[(y + 1) * (Width + 2) + x + 1] = longest;
                }
        }

        public int Width { get; }

        public int Height { get; }

        public short[] X { get; }

        public short[] Y { get; }

        public int[] Lengths { get; }

        private static (int X, int Y) Sobel(PixelGrid pixels, int x, int y, int c)
        {
            var (left, right) = (Math.Max(x - 1, 0), Math.Min(x + 1, pixels.Width - 1));
            var (above, below) = (Math.Max(y - 1, 0), Math.Min(y + 1, pixels.Height - 1));
            int At(int column, int row) => pixels.Bytes[pixels.Channels * (row * pixels.Width + column) + c];
            return (At(right, above) + 2 * At(right, y) + At(right, below) - At(left, above) - 2 * At(left, y) - At(left, below),
                At(left, below) + 2 * At(x, below) + At(right, below) - At(left, above) - 2 * At(x, above) - At(right, above));
        }
    }

    private static byte[] Thinned(Gradients gradients, int low, int high)
    {
        var edges = new byte[gradients.Width * gradients.Height];
        for (var y = 0; y < gradients.Height; y++)
            for (var x = 0; x < gradients.Width; x++)
            {
                var length = gradients.Lengths[(y + 1) * (gradients.Width + 2) + x + 1];
                if (length > low && IsLargest(gradients, x, y, length)) edges[y * gradients.Width + x] = length > high ? Strong : Weak;
            }
        return edges;
    }

    // Compared with the two neighbours across the edge: beside, above and below, or on a diagonal.
    private static bool IsLargest(Gradients gradients, int x, int y, int length)
    {
        var (stride, lengths) = (gradients.Width + 2, gradients.Lengths);
        var at = (y + 1) * stride + x + 1;
        int dx = gradients.X[y * gradients.Width + x], dy = gradients.Y[y * gradients.Width + x];
        var (across, down) = ((long)Math.Abs(dx), (long)Math.Abs(dy) << TangentBits);
        var flat = across * Tangent;
        if (down < flat) return length > lengths[at - 1] && length >= lengths[at + 1];
        var steep = flat + (across << (TangentBits + 1));
        if (down > steep) return length > lengths[at - stride] && length >= lengths[at + stride];
        var side = (dx ^ dy) < 0 ? -1 : 1;
        return length > lengths[at - stride - side] && length > lengths[at + stride + side];
    }

    private static void Connect(byte[] edges, int width, int height)
    {
        var open = new Stack<int>(Enumerable.Range(0, edges.Length).Where(i => edges[i] == Strong));
        while (open.TryPop(out var at))
        {
            var (x, y) = (at % width, at / width);
            for (var row = Math.Max(y - 1, 0); row <= Math.Min(y + 1, height - 1); row++)
                for (var column = Math.Max(x - 1, 0); column <= Math.Min(x + 1, width - 1); column++)
                {
                    var beside = row * width + column;
                    if (edges[beside] != Weak) continue;
                    edges[beside] = Strong;
                    open.Push(beside);
                }
        }
        for (var i = 0; i < edges.Length; i++)
            if (edges[i] == Weak) edges[i] = 0;
    }
}
