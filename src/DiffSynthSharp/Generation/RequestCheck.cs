using DiffSynthSharp.Families;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Sampling.Samplers;
using DiffSynthSharp.Sampling.Schedules;

namespace DiffSynthSharp.Generation;

/// <summary>Makes sure a request can be run before anything is computed.</summary>
internal static class RequestCheck
{
    private const int MostSteps = 1000;
    private const int LongestSide = 4096;
    private const int SmallestTile = 8;
    private const double LeastShift = 0.01, MostShift = 100;

    /// <summary>What can be said about a request without a model.</summary>
    /// <exception cref="DiffSynthException">A value is out of range or a name is unknown.</exception>
    public static void Values(GenerationRequest request)
    {
        Within(request.Steps, 1, MostSteps, "steps");
        Within(request.GuidanceRescale, 0, 1, "guidance rescale");
        if (request.Guidance is { } guidance) Within(guidance, 0, 100, "guidance");
        if (request.EmbeddedGuidance is { } told) Within(told, 0, 100, "embedded guidance");
        if (request.TextLength is { } length) Within(length, 1, 512, "text length");
        if (request.CacheThreshold is { } threshold) Within(threshold, 0.05, 2, "cache threshold");
        if (request.Init is { } init) Within(init.Strength, 0, 1, "strength");
        if (request.Shift is { } shift) Within(shift, LeastShift, MostShift, "shift");
        Within(request.ClipSkip, 1, 100, "clip skip");
        Within(request.NegativeClipSkip ?? 1, 1, 100, "negative clip skip");
        Within(request.Batch, 1, 64, "batch");
        if (request.Seeds.Count == 0) throw new DiffSynthException("There is no seed, so no picture would be made. Give at least one.");
        if (request.Seeds.FirstOrDefault(seed => seed is < 0 or > uint.MaxValue, -1) is var bad && bad != -1 || request.Seeds.Contains(-1))
            throw new DiffSynthException($"A seed of {request.Seeds.First(seed => seed is < 0 or > uint.MaxValue)} doesn't fit: seeds are 0 … {uint.MaxValue}.");
        PartValues(request);
        if (request.Sampler is { } sampler) SamplerNames.Find(sampler);
        if (request.Schedule is { } schedule) ScheduleNames.Find(schedule);
        PredictionOf(request.Prediction);
    }

    private static void PartValues(GenerationRequest request)
    {
        if (request.Mask is { } mask)
        {
            if (request.Init is null) throw new DiffSynthException("A mask needs the picture it belongs to: give the initial picture too.");
            Within(mask.Blur, 0, 64, "mask blur");
            Within(mask.Expand, -256, 256, "mask expand");
        }
        foreach (var pass in request.HighRes)
        {
            Within(pass.Strength, 0, 1, "strength of a high-resolution pass");
            Within(pass.Steps ?? 1, 1, MostSteps, "steps of a high-resolution pass");
            Within(pass.Seed ?? 0, 0, uint.MaxValue, "seed of a high-resolution pass");
            if (pass.Upscaler is { } upscaler && !File.Exists(upscaler)) throw new DiffSynthException($"There is no upscaler '{upscaler}'.");
        }
        if (request.Tiles is { } tiles)
        {
            if (tiles.Tile != 0) Within(tiles.Tile, SmallestTile, LongestSide, "tile");
            if (tiles.Stride != 0) Within(tiles.Stride, 1, tiles.Tile == 0 ? SmallestTile : tiles.Tile, "tile stride");
        }
        Within(request.RegionBlur ?? 0, 0, 64, "region blur");
        foreach (var control in request.Controls) ControlValues(control, request);
        foreach (var lora in request.Loras) Within(lora.Scale, -100, 100, "scale of a LoRA");
        foreach (var region in request.Regions) Within(region.Scale, 0, 1000, "scale of a region");
    }

    private static void ControlValues(ControlUse control, GenerationRequest request)
    {
        Within(control.Scale, 0, 10, "scale of a ControlNet");
        Within(control.Start, 0, 1, "start of a ControlNet");
        Within(control.End, 0, 1, "end of a ControlNet");
        if (control.Start >= control.End)
            throw new DiffSynthException($"A ControlNet from {control.Start:0.###} to {control.End:0.###} of the steps never works: the start lies before the end.");
        if (control.Picture is null && request.HighRes.Count == 0)
            throw new DiffSynthException($"The ControlNet '{control.Path}' follows the picture of the pass before, but there is one pass only: name a picture, or ask for a high-resolution pass.");
    }

    /// <summary>Sizes, samplers and schedules of the first pass and those after it.</summary>
    /// <exception cref="DiffSynthException">A size doesn't fit, a name is unknown or a choice makes no sense; the message says what does.</exception>
    public static IReadOnlyList<PassPlan> Passes(GenerationRequest request, LoadedFamily family)
    {
        Values(request);
        Suits(request, family);
        var (width, height) = Size(request, family);
        var first = new PassPlan(width, height, Plan(request, family, (width, height), request.Steps, request.Init?.Strength ?? 1, request.Init?.Steps), null);
        return [first, .. request.HighRes.Select(pass => HighRes(request, family, pass))];
    }

    // What a family can't do is said, never left out.
    private static void Suits(GenerationRequest request, LoadedFamily family)
    {
        FamilyValues.Check(request, family);
        if (request.Tiles is { Network: TiledNetwork.Blocks } && !family.TilesBlocks)
            throw new DiffSynthException($"{family.Name} has no blocks that can be tiled one by one: tile its steps.");
        if (request.Loras.Count > 0 && family.AdaptedNetworks.Count == 0)
            throw new DiffSynthException($"LoRAs for {family.Name} are not supported yet.");
        if (request.SkipLayers is not { } skip) return;
        if (skip.Blocks.Count == 0 || skip.Blocks.Any(block => block < 0 || block >= family.SkippableBlocks))
            throw new DiffSynthException($"Skip-layer guidance names blocks {string.Join(", ", skip.Blocks)}: this model has blocks 0 … {family.SkippableBlocks - 1}.");
        Within(skip.Scale, 0, 100, "scale of skip-layer guidance");
    }

    /// <summary>The picture's size: asked for, else the initial picture's, else the model's.</summary>
    /// <exception cref="DiffSynthException">It doesn't fit the model or the initial picture; the message names sizes that do.</exception>
    public static (int Width, int Height) Size(GenerationRequest request, LoadedFamily family)
    {
        var picture = request.Init?.Picture;
        var width = request.Width ?? picture?.Width ?? family.DefaultSize.Width;
        var height = request.Height ?? picture?.Height ?? family.DefaultSize.Height;
        Fits(width, height, family.Name, family.SizeMultiple);
        if (picture is not null && (picture.Width, picture.Height) != (width, height))
            throw new DiffSynthException($"The initial picture is {picture.Width}x{picture.Height}, but {width}x{height} is asked for. Resize the picture, or ask for its own size.");
        return (width, height);
    }

    private static PassPlan HighRes(GenerationRequest request, LoadedFamily family, HighResPass pass)
    {
        Fits(pass.Width, pass.Height, family.Name, family.SizeMultiple);
        return new(pass.Width, pass.Height, Plan(request, family, (pass.Width, pass.Height), pass.Steps ?? request.Steps, pass.Strength, pass.StepList), pass);
    }

    /// <summary>Makes sure that a picture can have this size.</summary>
    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    /// <param name="family">The family's name.</param>
    /// <param name="multiple">Sides are multiples of it.</param>
    /// <exception cref="DiffSynthException">It can't; the message names the nearest that it can.</exception>
    public static void Fits(int width, int height, string family, int multiple)
    {
        if (width % multiple != 0 || height % multiple != 0 || width < multiple || height < multiple || width > LongestSide || height > LongestSide)
            throw new DiffSynthException($"A size of {width}x{height} doesn't fit {family}: sides are multiples of {multiple} from {multiple} to {LongestSide}. The nearest that fits is {Nearest(width, multiple)}x{Nearest(height, multiple)}.");
    }

    private static SamplingPlan Plan(GenerationRequest request, LoadedFamily family, (int Width, int Height) size, int steps, double strength, StepList? list)
        => SamplingPlan.Create(
            (request.Scheduler ?? family.Scheduler) with { Shift = request.Shift }, request.Sampler, request.Schedule, PredictionOf(request.Prediction), steps, strength,
            list switch { StepList.Kept => "kept", StepList.Spread => "spread", _ => null },
            (size.Height / family.Latents.Reduction, size.Width / family.Latents.Reduction));

    private static Prediction? PredictionOf(string? name) => name switch
    {
        null => null,
        "epsilon" => Prediction.Epsilon,
        "v" => Prediction.V,
        "flow" => Prediction.Flow,
        _ => throw new DiffSynthException($"A prediction of '{name}' is unknown. Known: epsilon, v, flow."),
    };

    private static int Nearest(int side, int multiple) => Math.Clamp((int)Math.Round((double)side / multiple) * multiple, multiple, LongestSide);

    private static void Within(double value, double low, double high, string what)
    {
        if (!(value >= low && value <= high)) throw new DiffSynthException($"{Capital(what)} {value:0.###} doesn't fit: expected {low:0.##} … {high:0}.");
    }

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
