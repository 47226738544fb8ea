using System.Diagnostics;
using DiffSynthSharp.Families;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>Turns a request into pictures, for any family.</summary>
internal sealed class PictureGenerator(LoadedFamily family, IProgress<GenerationProgress>? progress, CancellationToken cancellation)
{
    /// <summary>Validate, encode, lay out the steps, draw the noise, denoise, decode.</summary>
    /// <exception cref="DiffSynthException">The request doesn't fit the model; the message says what to change.</exception>
    /// <exception cref="OperationCanceledException">At the next block's border.</exception>
    public IReadOnlyList<GeneratedPicture> Generate(GenerationRequest request)
    {
        using var inference = inference_mode(true);
        using var stop = BlockBorder.StopWith(cancellation);
        using var scope = NewDisposeScope();
        var (width, height) = RequestCheck.Size(request, family);
        var plan = RequestCheck.Plan(request, family);
        var guidance = request.Guidance ?? family.DefaultGuidance;
        Say($"{family.Name}, {width}×{height}, {plan.Description}{(guidance > 1 ? $", guidance {guidance:0.##}" : "")}.");

        var clock = Stopwatch.StartNew();
        var texts = guidance > 1 ? new[] { request.Prompt, request.Negative ?? "" } : [request.Prompt];
        var conditionings = texts.Select((text, i) => Encode(text, request, i, texts.Length)).ToList();
        var initial = request.Init is { } init ? family.EncodePicture(init.Picture.ToTensor().to(family.Device)) : (Posterior?)null;
        progress?.Report(new(GenerationPhase.Encode, texts.Length, texts.Length, clock.Elapsed.TotalSeconds / texts.Length));
        var encodeSeconds = clock.Elapsed.TotalSeconds / request.Seeds.Count;
        var guided = new GuidedPrediction(family, conditionings[0], conditionings.ElementAtOrDefault(1), guidance, request.GuidanceRescale);

        var pictures = new List<GeneratedPicture>();
        foreach (var seeds in request.Seeds.Chunk(request.Batch))
        {
            using var batchScope = NewDisposeScope();
            clock.Restart();
            using var noise = new NoiseSource(seeds, [family.Latents.Channels, height / family.Latents.Reduction, width / family.Latents.Reduction]);
            var clean = initial is { } posterior ? Clean(posterior, request.Init!.Posterior, noise) : null;
            var start = clean is null ? plan.Start(noise.Next()) : plan.Start(noise.Next(), clean);
            var report = new StepReport(progress, pictures.Count, request.Seeds.Count, latents => Preview(latents, request.Rounding));
            var latents = plan.Run(guided.Predict, start.to(family.Device), noise, report.Step, cancellation);
            var denoiseSeconds = clock.Elapsed.TotalSeconds / seeds.Length;
            for (var k = 0; k < seeds.Length; k++)
            {
                progress?.Report(new(GenerationPhase.Decode, pictures.Count, request.Seeds.Count, pictures.Count == 0 ? 0 : pictures.Average(picture => picture.Seconds.Decode)));
                pictures.Add(Finish(latents.narrow(0, k, 1), seeds[k], encodeSeconds, denoiseSeconds, request.Rounding));
            }
        }
        progress?.Report(new(GenerationPhase.Decode, pictures.Count, pictures.Count, pictures.Average(picture => picture.Seconds.Decode)));
        return pictures;
    }

    private Conditioning Encode(string text, GenerationRequest request, int index, int count)
    {
        progress?.Report(new(GenerationPhase.Encode, index, count, 0));
        return family.Encode(text, index == 0 ? request.ClipSkip : request.NegativeClipSkip ?? request.ClipSkip, request.LongPrompt == LongPrompt.Cut, Say);
    }

    private Tensor Clean(Posterior posterior, LatentPosterior which, NoiseSource noise)
    {
        var unscaled = which == LatentPosterior.Mean ? posterior.Mean : posterior.Sample(noise.Next().to(family.Device));
        return (unscaled * family.Latents.Scale).to(CPU);
    }

    private GeneratedPicture Finish(Tensor latents, long seed, double encodeSeconds, double denoiseSeconds, ByteRounding rounding)
    {
        using var scope = NewDisposeScope();
        var clock = Stopwatch.StartNew();
        var decoded = family.DecodeLatents(latents).to(CPU);
        if (!decoded.isfinite().all().item<bool>())
            throw new DiffSynthException($"The picture of seed {seed} came out as not-a-number values. The weights are damaged, or the sampler and schedule don't suit this model.");
        var picture = decoded.ToPictures(rounding)[0];
        return new(picture, seed, Values(latents), [.. latents.shape.Skip(1).Select(side => (int)side)], new(encodeSeconds, denoiseSeconds, clock.Elapsed.TotalSeconds))
        {
            Decoded = Values(decoded),
        };
    }

    private List<Picture> Preview(Tensor latents, ByteRounding rounding)
    {
        using var scope = NewDisposeScope();
        return [.. Enumerable.Range(0, (int)latents.shape[0]).Select(k => family.DecodeLatents(latents.narrow(0, k, 1)).to(CPU).ToPictures(rounding)[0])];
    }

    private static float[] Values(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.to(CPU).to(ScalarType.Float32).contiguous().data<float>().ToArray();
    }

    private void Say(string message) => progress?.Report(new(GenerationPhase.Encode, 0, 1, 0) { Message = message });
}
