using DiffSynthSharp.Layers;

namespace DiffSynthSharp.Models.UNets;

/// <summary>Adds up what a call of <see cref="UNet"/> takes, by going through its layers.</summary>
internal sealed class UNetCost
{
    private const int Kernel = 9;
    private readonly UNetConfig _config;
    private readonly UNetCall _call;
    private readonly Stack<Skip> _skips = new();
    private long _height;
    private long _width;
    private long _operations;
    private long _peak;

    private UNetCost(UNetConfig config, UNetCall call) => (_config, _call, _height, _width) = (config, call, call.Height, call.Width);

    /// <param name="config">The network's sizes.</param>
    /// <param name="call">What it is called with.</param>
    public static NetworkCost Of(UNetConfig config, UNetCall call)
    {
        var cost = new UNetCost(config, call);
        cost.Embed();
        cost.Down();
        cost.Up(cost.Middle());
        return new(cost._operations, cost._peak);
    }

    private readonly record struct Skip(long Channels, long Height, long Width, long Bytes);

    private long Cells => _height * _width;

    private long Skips => _skips.Sum(skip => skip.Bytes);

    private long Embedding => 4 * _config.Levels[0].Channels;

    private void Embed() => _operations += OperationCount.Product(_call.Rows, Embedding, _config.Levels[0].Channels + Embedding);

    private void Down()
    {
        var channels = _config.Levels[0].Channels;
        Convolve(_config.InputChannels, channels, Kernel);
        Push(channels);
        foreach (var (level, i) in _config.Levels.Select((level, i) => (level, i)))
        {
            for (var block = 0; block < _config.BlocksPerLevel; block++)
            {
                Transformer(level.Channels, level.Depth, Residual(channels, level.Channels, Skips));
                channels = level.Channels;
                Push(channels);
            }
            if (i == _config.Levels.Count - 1) continue;
            (_height, _width) = ((_height + 1) / 2, (_width + 1) / 2);
            Convolve(channels, channels, Kernel);
            Push(channels);
        }
    }

    // The stage's output, in channels.
    private long Middle()
    {
        var channels = _config.Levels[^1].Channels;
        Residual(channels, channels, Transformer(channels, _config.MiddleDepth, Residual(channels, channels, Skips)));
        return channels;
    }

    private void Up(long channels)
    {
        foreach (var (level, i) in _config.Levels.Select((level, i) => (level, i)).Reverse())
            for (var block = 0; block <= _config.BlocksPerLevel; block++)
            {
                var joined = channels + _skips.Peek().Channels;
                Reach(Skips + Map(channels) + Map(joined));
                var alive = Transformer(level.Channels, level.Depth, Residual(joined, level.Channels, Skips + Map(joined)));
                channels = level.Channels;
                _skips.Pop();
                if (i > 0 && block == _config.BlocksPerLevel) Upsample(channels, alive);
            }
        Convolve(channels, _config.OutputChannels, Kernel);
        Reach(3 * Map(channels) + Map(_config.OutputChannels));
    }

    private void Upsample(long channels, long outside)
    {
        (_height, _width) = (_skips.Peek().Height, _skips.Peek().Width);
        Convolve(channels, channels, Kernel);
        Reach(outside + 2 * Map(channels));
    }

    // What is alive after the block: a stage frees nothing before its end. Inside, both halves' results and the last one's norm, SiLU and convolution are.
    private long Residual(long inputs, long outputs, long outside)
    {
        Convolve(inputs, outputs, Kernel);
        Convolve(outputs, outputs, Kernel);
        _operations += OperationCount.Product(_call.Rows, Embedding, outputs);
        if (inputs != outputs) Convolve(inputs, outputs, 1);
        Reach(outside + Math.Max(2 * Map(inputs) + Map(outputs), 5 * Map(outputs)));
        return outside + Map(outputs);
    }

    private long Transformer(long channels, int depth, long outside)
    {
        if (depth == 0) return outside;
        Convolve(channels, channels, 1);
        Convolve(channels, channels, 1);
        var (map, tile, tiles) = (Map(channels), TileCells(), TileCount());
        for (var block = 0; block < depth; block++) TransformerBlock(channels, tile, tiles, outside + (2 + block + (_call.Tiles is null ? 0 : 2)) * map);
        return outside + map;
    }

    // The sums and norms of the three parts, then the gated layer's two halves, its GELU and their product.
    private void TransformerBlock(long channels, long cells, long tiles, long outside)
    {
        var (rows, text) = (_call.Rows, _call.Text);
        Reach(outside + 7 * NetworkCost.Bytes(rows * cells * channels) + NetworkCost.Bytes(8 * rows * cells * channels) + 2 * NetworkCost.Bytes(4 * rows * cells * channels));
        var perCell = 18 * channels * channels + 2 * (cells + text) * channels;
        _operations += tiles * OperationCount.Product(rows, cells * perCell + 2 * text * _config.ContextWidth * channels, 1);
    }

    private long TileSide => _call.Tiles is { } grid ? Math.Min(grid.Size, Math.Min(_height, _width)) : 0;

    private long TileCells() => _call.Tiles is null ? Cells : TileSide * TileSide;

    private long TileCount() => _call.Tiles is { } grid ? Tiles.Count(_height, _width, grid.Within(TileSide)) : 1;

    private void Convolve(long inputs, long outputs, long kernel) => _operations += OperationCount.Product(_call.Rows * Cells, inputs * kernel, outputs);

    private void Push(long channels)
    {
        _skips.Push(new(channels, _height, _width, Map(channels)));
        Reach(Skips);
    }

    private void Reach(long bytes) => _peak = Math.Max(_peak, bytes);

    private long Map(long channels) => NetworkCost.Bytes(_call.Rows * channels * Cells);
}

/// <summary>What a U-Net is called with.</summary>
/// <param name="Height">Latent cells.</param>
/// <param name="Width">Latent cells.</param>
/// <param name="Text">Tokens of the text.</param>
/// <param name="Rows">Rows of the batch.</param>
/// <param name="Tiles">Cuts the maps of transformers; null runs them whole.</param>
internal readonly record struct UNetCall(long Height, long Width, long Text, long Rows = 1, TileGrid? Tiles = null);
