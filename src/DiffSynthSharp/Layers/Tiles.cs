using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>How a map is cut: square tiles of <paramref name="Size"/> cells every <paramref name="Stride"/> cells.</summary>
internal readonly record struct TileGrid(long Size, long Stride)
{
    /// <summary>Tiles no longer than a map's shorter side. A stride that would then leave gaps between them shrinks in proportion; any other stays, as DiffSynth-Studio has it.</summary>
    public TileGrid Within(long side) => Size <= side ? this : new(side, Stride <= side ? Stride : Math.Max(1, side * Stride / Size));
}

/// <summary>Runs a network on overlapping tiles of a map and blends the results.</summary>
/// <remarks>
/// DiffSynth-Studio 1.1.9, TileWorker: a tile's weight rises from its edges to 1 over half a stride. Unlike there, a remainder
/// at the right and bottom gets one more tile that ends at the border, so every cell is covered.
/// </remarks>
internal static class Tiles
{
    /// <param name="x">(B, C, H, W)</param>
    /// <param name="grid">In cells of <paramref name="x"/>; a side shorter than a tile is one tile.</param>
    /// <param name="network">(B, C, h, w) → (B, C', h·r, w·r) with one ratio r for all tiles.</param>
    public static Tensor Run(Tensor x, TileGrid grid, Func<Tensor, Tensor> network)
    {
        using var scope = NewDisposeScope();
        long height = x.shape[2], width = x.shape[3], tall = Math.Min(grid.Size, height), wide = Math.Min(grid.Size, width);
        Tensor? sum = null, total = null, weight = null;
        foreach (var top in Positions(height, tall, grid.Stride))
            foreach (var left in Positions(width, wide, grid.Stride))
            {
                BlockBorder.Cross();
                using var tileScope = NewDisposeScope();
                var tile = network(x.narrow(2, top, tall).narrow(3, left, wide));
                long h = tile.shape[2], w = tile.shape[3];
                long Scaled(long cells) => cells * h / tall;
                sum ??= zeros([tile.shape[0], tile.shape[1], Scaled(height), Scaled(width)], tile.dtype, tile.device).MoveToOuterDisposeScope();
                total ??= zeros([1, 1, Scaled(height), Scaled(width)], tile.dtype, tile.device).MoveToOuterDisposeScope();
                weight ??= Weight(h, w, Scaled(grid.Stride / 2)).to(tile.dtype).to(tile.device).MoveToOuterDisposeScope();
                sum.narrow(2, Scaled(top), h).narrow(3, Scaled(left), w).add_(tile * weight);
                total.narrow(2, Scaled(top), h).narrow(3, Scaled(left), w).add_(weight);
            }
        return sum!.div_(total!).MoveToOuterDisposeScope();
    }

    /// <summary>How many tiles <see cref="Run"/> makes of a map.</summary>
    public static long Count(long height, long width, TileGrid grid)
        => Positions(height, Math.Min(grid.Size, height), grid.Stride).LongCount() * Positions(width, Math.Min(grid.Size, width), grid.Stride).LongCount();

    /// <summary>The blending weight of a tile: the distance to the nearest edge over <paramref name="border"/>, at most 1; 1 everywhere without a border.</summary>
    /// <returns>(height, width) float32</returns>
    internal static Tensor Weight(long height, long width, double border)
    {
        using var scope = NewDisposeScope();
        if (border < 1) return ones(height, width).MoveToOuterDisposeScope();
        var rows = arange(height, dtype: ScalarType.Float32);
        var columns = arange(width, dtype: ScalarType.Float32);
        var vertical = minimum(rows + 1, height - rows).unsqueeze(1);
        var horizontal = minimum(columns + 1, width - columns).unsqueeze(0);
        return minimum(vertical, horizontal).div(border).clamp(0, 1).MoveToOuterDisposeScope();
    }

    private static IEnumerable<long> Positions(long side, long tile, long stride)
    {
        for (var at = 0L; at + tile < side; at += stride) yield return at;
        yield return side - tile;
    }
}
