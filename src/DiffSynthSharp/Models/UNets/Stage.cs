using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.UNets;

/// <summary>A short row of layers that share the timestep embedding and the text, keyed 0, 1, 2 in the checkpoint.</summary>
/// <remarks>openaimodel.py, TimestepEmbedSequential.</remarks>
internal sealed class Stage : ModuleList<nn.Module>
{
    public Stage(params nn.Module[] layers) : base(layers)
    {
    }

    /// <param name="x">(B, C, H, W)</param>
    /// <param name="embedding">(B, E)</param>
    /// <param name="context">(B, M, context width)</param>
    /// <param name="target">Shape of the skip that the next stage will meet; an upsampler resizes to its sides. Null doubles them.</param>
    /// <param name="tiles">Cuts the maps of transformers; null runs them whole.</param>
    public Tensor Run(Tensor x, Tensor embedding, Tensor context, long[]? target = null, TileGrid? tiles = null)
    {
        using var scope = NewDisposeScope();
        foreach (var layer in this) x = Run(layer, x, embedding, context, target, tiles);
        return x.MoveToOuterDisposeScope();
    }

    /// <summary>Runs each layer by itself in tiles of its own input, as DiffSynth-Studio's tiled ControlNet does: norms see one tile.</summary>
    /// <param name="x">(B, C, H, W)</param>
    /// <param name="embedding">(B, E)</param>
    /// <param name="context">(B, M, context width)</param>
    /// <param name="tiles">In cells of <paramref name="x"/>.</param>
    public Tensor RunInTiles(Tensor x, Tensor embedding, Tensor context, TileGrid tiles)
    {
        using var scope = NewDisposeScope();
        foreach (var layer in this)
            x = layer is Downsample && !HalvesEvenly(x, tiles)
                ? Run(layer, x, embedding, context, null, null)
                : Tiles.Run(x, tiles, tile => Run(layer, tile, embedding, context, null, null));
        return x.MoveToOuterDisposeScope();
    }

    // A tile that begins or ends on an odd cell has no place in the halved map.
    private static bool HalvesEvenly(Tensor x, TileGrid tiles) => (x.shape[2] | x.shape[3] | tiles.Size | tiles.Stride) % 2 == 0;

    private static Tensor Run(nn.Module layer, Tensor x, Tensor embedding, Tensor context, long[]? target, TileGrid? tiles) => layer switch
    {
        ResidualBlock block => block.forward(x, embedding),
        SpatialTransformer transformer => transformer.Run(x, context, tiles),
        Upsample upsample => upsample.Run(x, target),
        nn.Module<Tensor, Tensor> plain => plain.forward(x),
        _ => throw new InvalidOperationException($"A stage can't run a {layer.GetName()}."),
    };
}

/// <summary>Halves the map with a strided convolution, padded all around.</summary>
internal sealed class Downsample : nn.Module<Tensor, Tensor>
{
    [Key("op")] private readonly Conv2d _convolution;

    public Downsample(long channels) : base(nameof(Downsample))
    {
        _convolution = new Conv2d(channels, channels, 3, stride: 2, padding: 1);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => _convolution.forward(x);
}

/// <summary>Doubles the map by nearest neighbour, then convolves.</summary>
internal sealed class Upsample : nn.Module<Tensor, Tensor>
{
    [Key("conv")] private readonly Conv2d _convolution;

    public Upsample(long channels) : base(nameof(Upsample))
    {
        _convolution = new Conv2d(channels, channels, 3, padding: 1);
        RegisterComponents();
    }

    /// <param name="x">(B, C, H, W)</param>
    /// <param name="target">A shape whose last two sides the result gets; null doubles.</param>
    public Tensor Run(Tensor x, long[]? target)
    {
        long[] size = target is null ? [2 * x.shape[2], 2 * x.shape[3]] : [target[2], target[3]];
        using var larger = nn.functional.interpolate(x, size, mode: InterpolationMode.Nearest);
        return _convolution.forward(larger);
    }

    public override Tensor forward(Tensor x) => Run(x, null);
}

/// <summary>Lays out the stages of a U-Net in the order of the checkpoint.</summary>
internal sealed class StageBuilder(UNetConfig config, long embedding)
{
    private readonly List<long> _skips = [];

    /// <summary>Channels of the stages that <see cref="Down"/> has laid out and <see cref="Up"/> has not yet joined.</summary>
    public IReadOnlyList<long> SkipChannels => _skips;

    public IEnumerable<Stage> Down()
    {
        var channels = config.Levels[0].Channels;
        yield return Skip(channels, new Conv2d(config.InputChannels, channels, 3, padding: 1));
        foreach (var (level, i) in config.Levels.Select((level, i) => (level, i)))
        {
            for (var block = 0; block < config.BlocksPerLevel; block++)
            {
                yield return Skip(level.Channels, WithTransformer(Residual(channels, level.Channels), level));
                channels = level.Channels;
            }
            if (i < config.Levels.Count - 1) yield return Skip(channels, new Downsample(channels));
        }
    }

    public Stage Middle()
    {
        var channels = config.Levels[^1].Channels;
        return config.MiddleDepth == 0
            ? new Stage(Residual(channels, channels), Residual(channels, channels))
            : new Stage(Residual(channels, channels), Transformer(channels, config.MiddleDepth), Residual(channels, channels));
    }

    public IEnumerable<Stage> Up()
    {
        var channels = config.Levels[^1].Channels;
        for (var i = config.Levels.Count - 1; i >= 0; i--)
        {
            var level = config.Levels[i];
            for (var block = 0; block <= config.BlocksPerLevel; block++)
            {
                var skip = _skips[^1];
                _skips.RemoveAt(_skips.Count - 1);
                var layers = WithTransformer(Residual(channels + skip, level.Channels), level);
                channels = level.Channels;
                yield return new Stage(i > 0 && block == config.BlocksPerLevel ? [.. layers, new Upsample(channels)] : layers);
            }
        }
    }

    private Stage Skip(long channels, params nn.Module[] layers)
    {
        _skips.Add(channels);
        return new Stage(layers);
    }

    private nn.Module[] WithTransformer(nn.Module residual, UNetLevel level)
        => level.Depth == 0 ? [residual] : [residual, Transformer(level.Channels, level.Depth)];

    private ResidualBlock Residual(long inputs, long outputs) => new(inputs, outputs, embedding, config.NormGroups);

    private SpatialTransformer Transformer(long channels, int depth) => new(channels, depth, config.ContextWidth, config.Heads, config.NormGroups);
}
