using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>What a picture asks of a model's networks.</summary>
/// <param name="Height">Latent cells that a call sees.</param>
/// <param name="Width">Latent cells that a call sees.</param>
/// <param name="Rows">Rows of a call of the denoising network: 2 when both prompts go side by side.</param>
/// <param name="TextLength">Tokens of T5; null for the family's own number.</param>
/// <param name="BlockTiles">Cuts the maps of attention blocks; null runs them whole.</param>
internal sealed record PictureOutline(long Height, long Width, long Rows = 1, int? TextLength = null, TileGrid? BlockTiles = null);

/// <summary>A network of a model before it is loaded.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Phase">When it computes.</param>
/// <param name="Create">Builds it with its parameters on META.</param>
/// <param name="Cost">What one call takes.</param>
internal sealed record NetworkOutline(PartKind Kind, ModelPhase Phase, Func<nn.Module> Create, Func<PictureOutline, NetworkCost> Cost);

/// <summary>A model before it is loaded: what its files' headers and its family say.</summary>
/// <param name="Latents">How latents relate to pictures.</param>
/// <param name="DefaultSize">Pixels.</param>
/// <param name="SizeMultiple">Sides are multiples of this many pixels.</param>
/// <param name="DefaultGuidance">Classifier-free guidance scale.</param>
/// <param name="TilesBlocks">Whether blocks of the network can be tiled one by one.</param>
/// <param name="Networks">In the order in which they are loaded.</param>
internal sealed record FamilyOutline(
    LatentFormat Latents, (int Width, int Height) DefaultSize, int SizeMultiple, double DefaultGuidance, bool TilesBlocks, IReadOnlyList<NetworkOutline> Networks)
{
    /// <summary>Whether networks take turns in memory in a mode; else all stay.</summary>
    public required Func<MemoryMode, bool> TakesTurns { get; init; }

    /// <summary>Whether text encoders are not loaded where only the denoising network is measured.</summary>
    public bool LeavesTextOut { get; init; }

    /// <summary>Latent cells of a tile's side, when the user asked for tiles and named none.</summary>
    public required int DefaultTile { get; init; }
}
