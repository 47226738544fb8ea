using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Layers;

public sealed class TilesTests
{
    [Theory]
    [InlineData(16, 12, 8, 4)]
    [InlineData(17, 9, 8, 4)]
    [InlineData(5, 23, 8, 5)]
    [InlineData(3, 3, 8, 1)]
    public void Tiles_of_a_network_that_looks_at_single_cells_give_the_whole_result(long height, long width, long size, long stride)
    {
        using var scope = NewDisposeScope();
        var x = randn(2, 3, height, width);
        var tiled = Tiles.Run(x, new(size, stride), tile => tile * 2 + 1);
        Assert.True(allclose(tiled, x * 2 + 1, rtol: 1e-5, atol: 1e-5));
    }

    [Theory]
    [InlineData(8, 25, 64, 32)]
    [InlineData(1, 40, 16, 15)]
    [InlineData(9, 9, 8, 5)]
    [InlineData(5, 70, 64, 64)]
    public void Square_tiles_on_a_narrow_map_leave_no_gap(long height, long width, long size, long stride)
    {
        using var scope = NewDisposeScope();
        var x = randn(1, 3, height, width);
        var tiled = Tiles.Run(x, new TileGrid(size, stride).Within(Math.Min(height, width)), tile => tile * 2 + 1);
        Assert.True(allclose(tiled, x * 2 + 1, rtol: 1e-5, atol: 1e-5));
    }

    [Fact]
    public void A_network_that_enlarges_its_tiles_gives_an_enlarged_map()
    {
        using var scope = NewDisposeScope();
        var x = randn(1, 2, 11, 7);
        var tiled = Tiles.Run(x, new(4, 3), tile => tile.repeat_interleave(8, 2).repeat_interleave(8, 3));
        Assert.True(allclose(tiled, x.repeat_interleave(8, 2).repeat_interleave(8, 3), rtol: 1e-5, atol: 1e-5));
    }

    [Theory]
    [InlineData(16, 12, 8, 4)]
    [InlineData(17, 9, 8, 4)]
    [InlineData(5, 23, 8, 5)]
    [InlineData(3, 3, 8, 1)]
    public void Whole_steps_in_tiles_get_their_part_of_everything_and_give_the_whole_result(long height, long width, long size, long stride)
    {
        using var scope = NewDisposeScope();
        var (x, hint) = (randn(2, 3, height, width), randn(1, 3, 8 * height, 8 * width));
        Tensor Network(Tensor part, Tensor hintPart) => part * 2 + nn.functional.avg_pool2d(hintPart, 8);
        var tiled = StepTiles.Run(x, new(size, stride), (tile, box) => Network(tile, box.Of(hint, 8)));
        Assert.True(allclose(tiled, Network(x, hint), rtol: 1e-5, atol: 1e-5));
    }
}
