using DiffSynthSharp.Families;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Runtime;

namespace DiffSynthSharp.Generation;

/// <summary>Adds up what each phase takes.</summary>
/// <param name="outline">The model.</param>
/// <param name="plan">How its weights are kept.</param>
/// <param name="weights">What the weights of each network take.</param>
/// <param name="isMeasured">Whether steps are taken by themselves, without prompts.</param>
internal sealed class PhaseForecasts(FamilyOutline outline, MemoryPlan plan, IReadOnlyDictionary<NetworkOutline, WeightFootprint> weights, bool isMeasured = false)
{
    /// <summary>The process before a model is loaded: the runtime and libtorch's code.</summary>
    private const long ProcessBytes = 200L << 20;

    private bool TakesTurns => outline.TakesTurns(plan.Mode);

    /// <summary>The phases of making pictures.</summary>
    /// <param name="pictures">The pictures.</param>
    /// <param name="cells">Latent cells of a picture.</param>
    public IReadOnlyList<PhaseForecast> Of(PlannedPictures pictures, (long Height, long Width) cells)
    {
        pictures = pictures with { Tiles = pictures.Tiles?.For(outline.DefaultTile) };
        var isGuided = (pictures.Guidance ?? outline.DefaultGuidance) > 1;
        var whole = new PictureOutline(cells.Height, cells.Width, TextLength: pictures.TextLength);
        return [Load(), .. In(ModelPhase.Encode).Any() ? [Encode(whole, isGuided ? 2 : 1)] : Array.Empty<PhaseForecast>(), Step(pictures, whole, isGuided), Decode(pictures, whole)];
    }

    private PhaseForecast Load()
    {
        var allocated = weights.Values.Sum(footprint => footprint.Allocated);
        return new(GenerationPhase.Load, allocated, 0, ProcessBytes + allocated, weights.Values.Sum(footprint => footprint.Copied), 0);
    }

    private PhaseForecast Encode(PictureOutline picture, int prompts)
    {
        var costs = In(ModelPhase.Encode).Select(network => network.Cost(picture)).ToList();
        var cost = new NetworkCost(prompts * costs.Sum(each => each.Operations), costs.Max(each => each.ActivationBytes));
        return Phase(GenerationPhase.Encode, ModelPhase.Encode, cost, prompts);
    }

    private PhaseForecast Step(PlannedPictures pictures, PictureOutline whole, bool isGuided)
    {
        var together = isGuided && GuidedPrediction.RunsPairs(whole.Height * whole.Width);
        var calls = isGuided && !together ? 2 : 1;
        var call = whole with { Rows = together ? 2 : 1 };
        var map = NetworkCost.Bytes(2 * whole.Height * whole.Width * outline.Latents.Channels);
        var tiled = PassPlan.Tiled(pictures.Tiles, outline.TilesBlocks, whole.Height * whole.Width * outline.Latents.Reduction * outline.Latents.Reduction);
        if (tiled == TiledNetwork.Blocks) call = call with { BlockTiles = Grid(pictures) };
        if (tiled == TiledNetwork.Steps)
        {
            calls *= StepTiles.Boxes(whole.Height, whole.Width, Grid(pictures)!.Value).Count();
            call = call with { Height = Math.Min(Grid(pictures)!.Value.Size, whole.Height), Width = Math.Min(Grid(pictures)!.Value.Size, whole.Width) };
        }
        var cost = In(ModelPhase.Denoise).Single().Cost(call);
        return Phase(GenerationPhase.Step, ModelPhase.Denoise, new(calls * cost.Operations, cost.ActivationBytes + pictures.Batch * map), calls, beside: isMeasured || pictures.Count > pictures.Batch ? ModelPhase.Decode : null);
    }

    private PhaseForecast Decode(PlannedPictures pictures, PictureOutline whole)
    {
        var network = In(ModelPhase.Decode).Single();
        if ((Grid(pictures) ?? AutoencoderTiling.In(plan.Mode, whole.Height * whole.Width)) is not { } grid) return Phase(GenerationPhase.Decode, ModelPhase.Decode, network.Cost(whole), 1);
        var tile = network.Cost(whole with { Height = Math.Min(grid.Size, whole.Height), Width = Math.Min(grid.Size, whole.Width) });
        var tiles = Tiles.Count(whole.Height, whole.Width, grid);
        var pixels = whole.Height * whole.Width * outline.Latents.Reduction * outline.Latents.Reduction;
        return Phase(GenerationPhase.Decode, ModelPhase.Decode, new(tiles * tile.Operations, tile.ActivationBytes + NetworkCost.Bytes(3 * pixels, pixels)), (int)tiles);
    }

    // Beside: what loading, or an earlier picture, left in memory; encoding prompts would have made it leave.
    private PhaseForecast Phase(GenerationPhase phase, ModelPhase networks, NetworkCost cost, int passes, ModelPhase? beside = null)
    {
        var computing = In(networks).Select(network => weights[network]).ToList();
        bool IsPresent(NetworkOutline network) => network.Phase == networks || network.Phase == beside || !TakesTurns && network.Phase < networks;
        var present = outline.Networks.Where(IsPresent).Sum(network => weights[network].Allocated + weights[network].Mapped);
        var resting = TakesTurns ? 0 : outline.Networks.Where(network => !IsPresent(network)).Sum(network => weights[network].Allocated);
        var held = present + computing.Max(footprint => footprint.Working) + resting;
        // The allocator keeps what was let go of.
        var (freed, read) = (computing.Max(footprint => footprint.Widened) + cost.ActivationBytes, passes * computing.Sum(footprint => footprint.Streamed));
        return new(phase, held, cost.ActivationBytes, ProcessBytes + held + cost.ActivationBytes + Math.Min(freed, CachingAllocator.LimitBytes), read, cost.Operations);
    }

    private IEnumerable<NetworkOutline> In(ModelPhase phase) => outline.Networks.Where(network => network.Phase == phase);

    private static TileGrid? Grid(PlannedPictures pictures) => pictures.Tiles is { } tiles ? new(tiles.Tile, tiles.Stride) : null;
}
