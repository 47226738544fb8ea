using System.Diagnostics;
using DiffSynthSharp.Families;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>Turns a request into pictures, for any family.</summary>
internal sealed class PictureGenerator(LoadedFamily family, IProgress<GenerationProgress>? progress, CancellationToken cancellation)
{
    /// <summary>Validate, lay out the passes, encode the prompts; then for each batch draw the noise and run pass after pass.</summary>
    /// <exception cref="DiffSynthException">The request doesn't fit the model; the message says what to change.</exception>
    /// <exception cref="OperationCanceledException">At the next block's border.</exception>
    public IReadOnlyList<GeneratedPicture> Generate(GenerationRequest request)
    {
        using var inference = inference_mode(true);
        using var stop = BlockBorder.StopWith(cancellation);
        using var scope = NewDisposeScope();
        request = PromptTags.Apply(request, Say) with { Tiles = request.Tiles?.For(family.DefaultTile) };
        var passes = RequestCheck.Passes(request, family);
        var guidance = request.Guidance ?? family.DefaultGuidance;
        Say($"{family.Name}, {passes[0].Describe(request.Tiles, family)}{(guidance > 1 ? $", guidance {guidance:0.##}" : "")}{((request.EmbeddedGuidance ?? family.DefaultEmbeddedGuidance) is { } told ? $", embedded guidance {told:0.##}" : "")}.");

        foreach (var (mask, number) in request.Regions.Select((region, i) => (region.Mask, i + 1)))
            if ((mask.Width, mask.Height) != (passes[0].Width, passes[0].Height)) Say($"The mask of region {number} was resized from {mask.Width}x{mask.Height} to {passes[0].Width}x{passes[0].Height}.");

        using var loras = LoraStack.Attach(family.AdaptedNetworks, family.Name, request.Loras, request.StrictLoras, Say);
        var clock = Stopwatch.StartNew();
        var controls = ControlInputs.Open(request, family, Say);
        family.Begin(ModelPhase.Encode);
        var prompts = RequestPrompts.Encode(family, request, passes, (index, count) => progress?.Report(new(GenerationPhase.Encode, index, count, 0)), Say);
        var sources = new PictureEncoder(family, request);
        var pass = new PassRunner(family, request, prompts, controls, sources, progress, cancellation);
        progress?.Report(new(GenerationPhase.Encode, 1, 1, clock.Elapsed.TotalSeconds));
        var encodeSeconds = clock.Elapsed.TotalSeconds / request.Seeds.Count;

        using var enlargement = new Enlargement(family.Device, Say);
        var pictures = new List<GeneratedPicture>();
        foreach (var seeds in request.Seeds.Chunk(request.Batch))
        {
            using var batchScope = NewDisposeScope();
            using var noise = new NoiseSource(seeds, []);
            var made = pass.Run(passes[0], seeds, noise, [.. seeds.Select(_ => request.Init?.Picture)], pictures.Count);
            foreach (var next in passes.Skip(1))
            {
                Say($"{next.Describe(request.Tiles, family)}, over the picture before.");
                var finer = HighRes(next, [.. made.Select(picture => enlargement.Of(picture.Picture, next))], seeds, noise, pass, pictures.Count);
                made = [.. finer.Zip(made, (after, before) => after with { Earlier = [.. before.Earlier, before with { Earlier = [] }] })];
            }
            pictures.AddRange(made.Select(picture => picture with { Seconds = picture.Seconds with { Encode = encodeSeconds }, Loras = loras.Ledgers }));
        }
        progress?.Report(new(GenerationPhase.Decode, pictures.Count, pictures.Count, pictures.Average(picture => picture.Seconds.Decode)));
        return pictures;
    }

    private static IReadOnlyList<GeneratedPicture> HighRes(
        PassPlan plan, IReadOnlyList<Picture> enlarged, long[] seeds, NoiseSource noise, PassRunner pass, int done)
    {
        if (plan.HighRes!.Seed is not { } seed) return pass.Run(plan, seeds, noise, enlarged, done);
        using var own = new NoiseSource([.. seeds.Select(_ => seed)], []);
        return pass.Run(plan, seeds, own, enlarged, done);
    }

    private void Say(string message) => progress?.Report(new(GenerationPhase.Encode, 0, 1, 0) { Message = message });
}
