using System.Diagnostics;
using DiffSynthSharp.Families;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>Runs one pass for a batch of pictures: encode what it starts from, denoise, decode.</summary>
internal sealed class PassRunner(
    LoadedFamily family, GenerationRequest request, RequestPrompts prompts, ControlInputs controls, PictureEncoder encoder, IProgress<GenerationProgress>? progress, CancellationToken cancellation)
{
    /// <param name="pass">Size and steps.</param>
    /// <param name="seeds">One per picture of the batch.</param>
    /// <param name="noise">The batch's generators.</param>
    /// <param name="sources">The pictures it starts from, of the pass's size; null makes them of nothing.</param>
    /// <param name="done">Pictures that are finished, for progress.</param>
    public IReadOnlyList<GeneratedPicture> Run(PassPlan pass, long[] seeds, NoiseSource noise, IReadOnlyList<Picture?> sources, int done)
    {
        using var scope = NewDisposeScope();
        var clock = Stopwatch.StartNew();
        family.Begin(ModelPhase.Denoise);
        var latents = Denoise(pass, noise, sources, done);
        var denoiseSeconds = clock.Elapsed.TotalSeconds / seeds.Length;
        var area = Area(pass);
        family.Begin(ModelPhase.Decode);
        return [.. seeds.Select((seed, k) =>
        {
            progress?.Report(new(GenerationPhase.Decode, done + k, request.Seeds.Count, 0));
            var made = Finish(pass, latents.narrow(0, k, 1), seed, denoiseSeconds);
            return area is null || !request.Mask!.PasteOriginal ? made : made with { Picture = area.Paste(sources[k]!, made.Picture) };
        })];
    }

    private Tensor Denoise(PassPlan pass, NoiseSource noise, IReadOnlyList<Picture?> sources, int done)
    {
        using var scope = NewDisposeScope();
        noise.Reshape([family.Latents.Channels, pass.Height / family.Latents.Reduction, pass.Width / family.Latents.Reduction]);
        var (area, posterior) = (Area(pass), pass.HighRes?.Posterior ?? request.Init?.Posterior ?? LatentPosterior.Mean);
        var strength = sources[0] is null ? 1 : pass.HighRes?.Strength ?? request.Init!.Strength;
        // Inpainting that replaces all begins at pure noise, and its checkpoints never see the picture's own latents then.
        var isFromNoise = sources[0] is null || (area is not null && strength == 1);
        var clean = isFromNoise && (area is null || family.ExtraChannels > 0) ? null : encoder.Encode([.. sources.OfType<Picture>()], posterior, noise);
        var first = noise.Next();
        var start = isFromNoise ? pass.Sampling.Start(first) : pass.Sampling.Start(first, clean!);

        var channels = family.ExtraChannels > 0 ? InpaintChannels(pass, area, sources, posterior, noise) : null;
        if (channels is null && area is not null && posterior == LatentPosterior.Sample) noise.Next().Dispose(); // diffusers encodes the masked picture all the same
        var kept = channels is null && area is not null ? new KeptPart(area.OverLatents(family.Latents.Reduction), clean!, first) : null;
        using var skipped = RepeatedSteps.Of(request.CacheThreshold, family, pass.Sampling.Steps, sources.Count);
        var guided = new GuidedPrediction(family, Inputs(pass, channels, sources) with { Repeats = skipped.Pictures });
        var report = new StepReport(progress, done, request.Seeds.Count, latents => Preview(pass, latents));
        return pass.Sampling.Run(guided.Predict, start.to(family.Device), noise, report.Step, cancellation, kept?.To(family.Device)).MoveToOuterDisposeScope();
    }

    private GuidanceInputs Inputs(PassPlan pass, Tensor? channels, IReadOnlyList<Picture?> sources)
    {
        var tiled = pass.Tiled(request.Tiles, family.TilesBlocks);
        var (height, width) = (pass.Height / family.Latents.Reduction, pass.Width / family.Latents.Reduction);
        var inputs = prompts.Of(pass);
        return new()
        {
            Positive = inputs.Positive,
            Negative = inputs.Negative,
            Scale = Math.Max(1, request.Guidance ?? family.DefaultGuidance),
            Rescale = request.GuidanceRescale,
            Regions = [.. request.Regions.Zip(inputs.Regions, (region, prompt) => new RegionInput(prompt, (LatentMask.Region(region.Mask, height, width, request.RegionBlur) * region.Scale).to(family.Device)))],
            Network = new() { Channels = channels?.to(family.Device), Tiles = tiled == TiledNetwork.Blocks ? Grid : null, EmbeddedGuidance = request.EmbeddedGuidance },
            SkipLayers = request.SkipLayers is { } skip ? new(skip, pass.Sampling.Steps) : null,
            Controls = controls.Of(pass, sources),
            StepTiles = tiled == TiledNetwork.Steps ? Grid : null,
        };
    }

    // Mask and masked latents. Without a mask everything is made anew, from mid-grey (AUTOMATIC1111/stable-diffusion-webui, modules/processing.py).
    private Tensor InpaintChannels(PassPlan pass, InpaintArea? area, IReadOnlyList<Picture?> sources, LatentPosterior posterior, NoiseSource noise)
    {
        using var scope = NewDisposeScope();
        area ??= InpaintArea.Everything(pass.Width, pass.Height);
        var shown = sources.Select(source => source ?? Picture.Plain(pass.Width, pass.Height)).ToList();
        var masked = encoder.Encode(shown, posterior, noise, area);
        return cat([area.OverLatents(family.Latents.Reduction).expand(masked.shape[0], 1, -1, -1), masked], 1).MoveToOuterDisposeScope();
    }

    private InpaintArea? Area(PassPlan pass) => request.Mask is { } mask ? InpaintArea.Of(mask, pass.Width, pass.Height) : null;

    private TileGrid? Grid => request.Tiles is { } tiles ? new TileGrid(tiles.Tile, tiles.Stride) : null;

    private TileGrid? DecoderGrid(PassPlan pass) => Grid ?? family.AutoencoderTiles((pass.Width, pass.Height));

    private GeneratedPicture Finish(PassPlan pass, Tensor latents, long seed, double denoiseSeconds)
    {
        using var scope = NewDisposeScope();
        var clock = Stopwatch.StartNew();
        var decoded = family.DecodeLatents(latents, DecoderGrid(pass)).to(CPU);
        if (!decoded.sum().isfinite().item<bool>())
            throw new DiffSynthException($"The picture of seed {seed} came out as not-a-number values. The weights are damaged, or the sampler and schedule don't suit this model.");
        var picture = decoded.ToPictures(request.Rounding)[0];
        return new(picture, seed, Values(latents), [.. latents.shape.Skip(1).Select(side => (int)side)], new(0, denoiseSeconds, clock.Elapsed.TotalSeconds))
        {
            Decoded = request.KeepDecoded ? Values(decoded) : [],
        };
    }

    private List<Picture> Preview(PassPlan pass, Tensor latents)
    {
        using var scope = NewDisposeScope();
        return [.. Enumerable.Range(0, (int)latents.shape[0]).Select(k => family.DecodeLatents(latents.narrow(0, k, 1), DecoderGrid(pass)).to(CPU).ToPictures(request.Rounding)[0])];
    }

    private static float[] Values(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.to(CPU).to(ScalarType.Float32).contiguous().data<float>().ToArray();
    }
}
