using DiffSynthSharp.Layers;

namespace DiffSynthSharp.Families;

/// <summary>When an autoencoder works in tiles though nobody asked for them: its maps of a large picture take more memory than weights that are streamed leave.</summary>
internal static class AutoencoderTiling
{
    // A decoder of the published widths takes about 0.3 MB for each cell of a whole map.
    private const long MostCells = 96 * 96;
    private static readonly TileGrid s_tiles = new(64, 48);

    /// <summary>Tiles in latent cells; null for the whole map at once.</summary>
    /// <param name="mode">How weights are kept.</param>
    /// <param name="cells">Latent cells of the picture.</param>
    public static TileGrid? In(MemoryMode mode, long cells) => mode == MemoryMode.Low && cells > MostCells ? s_tiles : null;
}
