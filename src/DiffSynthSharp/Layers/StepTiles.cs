using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>A rectangle of a map, in its cells.</summary>
internal readonly record struct TileBox(long Top, long Left, long Height, long Width)
{
    /// <summary>The rectangle's part of a map (…, H·scale, W·scale) that has <paramref name="scale"/> cells for each of ours; a view.</summary>
    public Tensor Of(Tensor map, long scale = 1) => map.narrow(-2, Top * scale, Height * scale).narrow(-1, Left * scale, Width * scale);
}

/// <summary>Runs a whole network on overlapping tiles of a map and blends the results, which don't change their size.</summary>
/// <remarks>
/// DiffSynth-Studio 1.1.9, FastTileWorker: a tile that would run over the border ends at it; a tile's weight rises linearly from its edges
/// to its middle, but not from edges that are the map's own.
/// </remarks>
internal static class StepTiles
{
    /// <param name="x">(B, C, H, W)</param>
    /// <param name="grid">In cells of <paramref name="x"/>; a side shorter than a tile is one tile.</param>
    /// <param name="network">A tile (B, C, h, w) and where it lies → (B, C', h, w).</param>
    /// <param name="weigh">A tile's weight (h, w) from where it lies in a map of height and width; null for <see cref="Weight"/>.</param>
    public static Tensor Run(Tensor x, TileGrid grid, Func<Tensor, TileBox, Tensor> network, Func<TileBox, Tensor>? weigh = null)
    {
        using var scope = NewDisposeScope();
        long height = x.shape[2], width = x.shape[3];
        Tensor? sum = null, total = null;
        foreach (var box in Boxes(height, width, grid))
        {
            BlockBorder.Cross();
            using var tileScope = NewDisposeScope();
            var tile = network(box.Of(x), box);
            sum ??= zeros([tile.shape[0], tile.shape[1], height, width], tile.dtype, tile.device).MoveToOuterDisposeScope();
            total ??= zeros([1, 1, height, width], tile.dtype, tile.device).MoveToOuterDisposeScope();
            var weight = (weigh?.Invoke(box) ?? Weight(box, height, width)).to(tile.dtype).to(tile.device);
            box.Of(sum).add_(tile * weight);
            box.Of(total).add_(weight);
        }
        return sum!.div_(total!).MoveToOuterDisposeScope();
    }

    /// <summary>The tiles of a map, row by row.</summary>
    internal static IEnumerable<TileBox> Boxes(long height, long width, TileGrid grid)
    {
        foreach (var (top, tall) in Spans(height, grid))
            foreach (var (left, wide) in Spans(width, grid))
                yield return new(top, left, tall, wide);
    }

    /// <summary>A tile's weight: the distance to the nearest edge that lies inside the map, over a quarter of the tile's height and width together.</summary>
    /// <returns>(h, w) float32</returns>
    internal static Tensor Weight(TileBox box, long height, long width)
    {
        using var scope = NewDisposeScope();
        var border = Math.Max(1, (box.Height + box.Width) / 4);
        var rows = Distance(box.Height, border, box.Top == 0, box.Top + box.Height >= height).unsqueeze(1);
        var columns = Distance(box.Width, border, box.Left == 0, box.Left + box.Width >= width).unsqueeze(0);
        return minimum(rows, columns).clamp(1, border).div(border).MoveToOuterDisposeScope();
    }

    private static Tensor Distance(long side, long border, bool startsAtBorder, bool endsAtBorder)
    {
        var cells = arange(side, dtype: ScalarType.Float32);
        var most = full(side, (double)border, dtype: ScalarType.Float32);
        return minimum(startsAtBorder ? most : cells + 1, endsAtBorder ? most : side - cells);
    }

    private static IEnumerable<(long Start, long Length)> Spans(long side, TileGrid grid)
    {
        if (side <= grid.Size) return [(0, side)];
        return Enumerable.Range(0, (int)((side - 1) / grid.Stride + 1)).Select(i => i * grid.Stride)
            .Where(start => start == 0 || start - grid.Stride + grid.Size < side)
            .Select(start => (Math.Min(start, side - grid.Size), grid.Size));
    }
}
