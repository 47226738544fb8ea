using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>DiffSynth's two ways of cutting a map into tiles.</summary>
internal static class RecordedTiles
{
    public static void Check(GoldenCase @case, GoldenTensors tensors)
    {
        foreach (var name in tensors.Outputs.Where(name => name.Contains("-mask.", StringComparison.Ordinal)))
            GoldenAssert.Close(name, name.StartsWith("out.unfold", StringComparison.Ordinal) ? UnfoldMask(name.Split('.')) : TaskMask(name.Split('.')), tensors[name], @case.Tolerance);
        foreach (var run in @case.Json.GetProperty("runs").EnumerateArray())
        {
            var grid = new TileGrid(run.GetProperty("tile").GetInt64(), run.GetProperty("stride").GetInt64());
            var name = run.TryGetProperty("x", out var x) ? x.GetString()! : null;
            long[] size = name is null ? [.. run.GetProperty("size").EnumerateArray().Select(side => side.GetInt64())] : tensors[$"in.{name}"].shape[2..];
            Assert.Equal(
                run.GetProperty("tasks").EnumerateArray().Select(task => (task[0].GetInt64(), task[1].GetInt64(), task[2].GetInt64(), task[3].GetInt64())),
                StepTiles.Boxes(size[0], size[1], grid).Select(box => (box.Top, box.Top + box.Height, box.Left, box.Left + box.Width)));
            if (name is not null) Blended(@case, tensors, grid, name[1..]);
        }
    }

    private static void Blended(GoldenCase @case, GoldenTensors tensors, TileGrid grid, string index)
    {
        var x = tensors[$"in.x{index}"];
        GoldenAssert.Close($"unfold{index}", Tiles.Run(x, grid, Bend), tensors[$"out.unfold{index}"], @case.Tolerance);
        GoldenAssert.Close(
            $"unfold2x{index}", Tiles.Run(x, grid, tile => Bend(tile).repeat_interleave(2, 2).repeat_interleave(2, 3)), tensors[$"out.unfold2x{index}"], @case.Tolerance);
        GoldenAssert.Close($"task{index}", StepTiles.Run(x, grid, (tile, _) => Bend(tile)), tensors[$"out.task{index}"], @case.Tolerance);
    }

    private static Tensor Bend(Tensor tile)
    {
        var (height, width) = (tile.shape[2], tile.shape[3]);
        return tile * (1 + 0.3 * arange(height, dtype: ScalarType.Float32).unsqueeze(1) / height) + 0.2 * arange(width, dtype: ScalarType.Float32).unsqueeze(0) / width;
    }

    private static Tensor UnfoldMask(string[] parts) => Tiles.Weight(long.Parse(parts[2]), long.Parse(parts[2]), double.Parse(parts[3]));

    // out.task-mask.<h>x<w>.<is the tile's top, bottom, left, right the map's?>
    private static Tensor TaskMask(string[] parts)
    {
        long[] sides = [.. parts[2].Split('x').Select(long.Parse)];
        long[] open = [.. parts[3].Select(edge => edge == '1' ? 0L : 1)];
        return StepTiles.Weight(new(open[0], open[2], sides[0], sides[1]), sides[0] + open[0] + open[1], sides[1] + open[2] + open[3]);
    }
}
