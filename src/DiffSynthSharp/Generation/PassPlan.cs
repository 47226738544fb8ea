using DiffSynthSharp.Families;
using DiffSynthSharp.Sampling;

namespace DiffSynthSharp.Generation;

/// <summary>One pass over the picture: the first, or one that refines the enlarged picture of the pass before.</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Sampling">Sampler, schedule and steps.</param>
/// <param name="HighRes">What was asked of this pass; null for the first.</param>
internal sealed record PassPlan(int Width, int Height, SamplingPlan Sampling, HighResPass? HighRes)
{
    /// <summary>Above this many pixels whole maps take more memory than most machines have.</summary>
    private const long LargestWholeMaps = 2048 * 2048;

    /// <summary>What of the network is tiled.</summary>
    /// <param name="tiles">What was asked for.</param>
    /// <param name="blocks">Whether the network's blocks can be tiled one by one.</param>
    public TiledNetwork Tiled(TileSettings? tiles, bool blocks) => Tiled(tiles, blocks, (long)Width * Height);

    /// <summary>What of a network is tiled for a picture of so many pixels.</summary>
    public static TiledNetwork Tiled(TileSettings? tiles, bool blocks, long pixels) => tiles switch
    {
        null => TiledNetwork.None,
        { Network: TiledNetwork.Automatic } when !blocks => TiledNetwork.Steps,
        { Network: TiledNetwork.Automatic } => pixels > LargestWholeMaps ? TiledNetwork.Steps : TiledNetwork.Blocks,
        _ => tiles.Network,
    };

    /// <summary>One line that says what this pass does.</summary>
    public string Describe(TileSettings? tiles, LoadedFamily family) => $"{Width}×{Height}, {Sampling.Description}" + Tiled(tiles, family.TilesBlocks) switch
    {
        TiledNetwork.Blocks => ", attention in tiles",
        TiledNetwork.Steps => ", the network in tiles",
        _ when tiles is null && family.AutoencoderTiles((Width, Height)) is not null => ", the autoencoder in tiles for want of memory",
        _ => "",
    };
}
