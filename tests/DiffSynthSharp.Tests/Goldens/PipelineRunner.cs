using System.Text.Json;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Whole models, any family: the golden's model as files, its request through the public door, latents and pictures compared.</summary>
internal sealed class PipelineRunner : IGoldenRunner
{
    private static readonly string[] s_families = ["stable-diffusion"];
    private static readonly string[] s_laterFeatures = ["mask", "references", "highres", "tiled", "regions", "loras", "embeddings", "controls", "prompt_2", "embedded_guidance"];

    public string Kind => "pipeline";

    public void Run(GoldenCase @case)
    {
        var family = @case.Folder.Json.GetProperty("family").GetString()!;
        Assert.SkipUnless(s_families.Contains(family), $"The family '{family}' isn't built yet.");
        var request = @case.Json.GetProperty("request");
        Assert.SkipWhen(request.ValueKind == JsonValueKind.Null, "The case makes no picture; its feature isn't built yet.");
        var later = s_laterFeatures.FirstOrDefault(feature => request.TryGetProperty(feature, out _));
        Assert.SkipWhen(later is not null, $"A request with '{later}' isn't built yet.");
        using var tensors = @case.Tensors();
        using var model = Load(@case);
        var pictures = Requests(request, tensors).SelectMany(one => model.Generate(AsItsReference(@case, one))).ToList();
        Compare(@case, tensors, pictures);
    }

    private static DiffusionModel Load(GoldenCase @case)
    {
        var name = @case.Text("model")!;
        var folder = PipelineModels.Folder(@case.Folder, name);
        var load = @case.Folder.Json.GetProperty("models").GetProperty(name).GetProperty("load");
        string? Named(string part) => load.TryGetProperty(part, out var path) ? Path.GetFullPath(Path.Combine(folder, path.GetString()!)) : null;
        return DiffusionModel.Load(Named("model")!, new() { Vae = Named("vae"), Tokenizers = Named("tokenizers") });
    }

    // diffusers' StableDiffusionPipeline.encode_prompt skips layers for the prompt alone, never for the negative one.
    private static GenerationRequest AsItsReference(GoldenCase @case, GenerationRequest request)
        => @case.Text("reference") == "diffusers" ? request with { NegativeClipSkip = 1 } : request;

    // Each picture depends on its own seed alone, so a golden's batch with a prompt per seed is as many requests.
    private static IEnumerable<GenerationRequest> Requests(JsonElement request, GoldenTensors tensors)
    {
        var seeds = request.GetProperty("seeds").EnumerateArray().Select(seed => seed.GetInt64()).ToList();
        return request.GetProperty("prompt").ValueKind == JsonValueKind.Array
            ? seeds.Select((seed, i) => Request(request, tensors, [seed], i))
            : [Request(request, tensors, seeds, 0)];
    }

    private static GenerationRequest Request(JsonElement request, GoldenTensors tensors, IReadOnlyList<long> seeds, int row)
    {
        string? Prompt(string name) => !request.TryGetProperty(name, out var value) ? null : value.ValueKind == JsonValueKind.Array ? value[row].GetString() : value.GetString();
        string? Option(string name) => request.TryGetProperty("options", out var options) && options.TryGetProperty(name, out var value) ? value.GetString() : null;
        return new()
        {
            Prompt = Prompt("prompt")!,
            Negative = Prompt("negative"),
            Seeds = seeds,
            Batch = seeds.Count,
            Width = request.GetProperty("width").GetInt32(),
            Height = request.GetProperty("height").GetInt32(),
            Steps = request.GetProperty("steps").GetInt32(),
            Guidance = request.GetProperty("guidance").GetDouble(),
            GuidanceRescale = request.TryGetProperty("guidance_rescale", out var rescale) ? rescale.GetDouble() : 0,
            ClipSkip = request.TryGetProperty("clip_skip", out var skip) ? skip.GetInt32() : 1,
            Sampler = request.GetProperty("sampler").GetString(),
            Schedule = request.GetProperty("schedule").GetProperty("name").GetString(),
            Scheduler = SchedulerSettings.FromRequest(request.GetProperty("schedule")),
            Prediction = request.TryGetProperty("prediction", out var prediction) ? prediction.GetString() : null,
            LongPrompt = Option("long_prompt") == "rows" ? LongPrompt.Rows : LongPrompt.Cut,
            Rounding = Option("rounding") == "truncate" ? ByteRounding.Truncate : ByteRounding.Nearest,
            Init = request.TryGetProperty("init", out var init) ? Init(init, tensors) : null,
        };
    }

    private static InitImage Init(JsonElement init, GoldenTensors tensors)
    {
        var image = tensors[init.GetProperty("image").GetString()!];
        return new(
            new Picture((int)image.shape[1], (int)image.shape[0], image.contiguous().data<byte>().ToArray()), init.GetProperty("strength").GetDouble(),
            init.GetProperty("posterior").GetString() == "sample" ? LatentPosterior.Sample : LatentPosterior.Mean,
            init.GetProperty("steps").GetString() == "kept" ? StepList.Kept : StepList.Spread);
    }

    private static void Compare(GoldenCase @case, GoldenTensors tensors, IReadOnlyList<GeneratedPicture> pictures)
    {
        var outputs = @case.Json.GetProperty("outputs");
        var latents = stack([.. pictures.Select(picture => tensor(picture.Latents, [.. picture.LatentShape.Select(side => (long)side)]))]);
        GoldenAssert.Close("latents", latents, tensors[outputs.GetProperty("latents").GetString()!], @case.Tolerance);
        var recorded = tensors[outputs.GetProperty("picture").GetString()!];
        if (outputs.GetProperty("picture_axes").GetString() == "hwc") recorded = recorded.unsqueeze(0);
        var bytes = stack([.. pictures.Select(picture => tensor(picture.Picture.Rgb.ToArray(), [picture.Picture.Height, picture.Picture.Width, 3], dtype: ScalarType.Byte))]);
        CompareBytes(bytes, recorded, @case.Json.TryGetProperty("uint8_steps", out var steps) ? steps.GetInt32() : 1);
        var needed = @case.Json.GetProperty("psnr").GetDouble();
        var found = @case.Text("psnr_of") == "picture" ? GoldenAssert.Psnr(bytes, recorded, 255) : CompareDecoded(@case, tensors, outputs, pictures);
        Assert.True(found >= needed, $"{@case.Text("psnr_of")}: {found:f1} dB, at least {needed} dB wanted.");
    }

    private static void CompareBytes(Tensor ours, Tensor recorded, int allowed)
    {
        Assert.True(ours.shape.SequenceEqual(recorded.shape), $"picture: shape [{string.Join(',', ours.shape)}], expected [{string.Join(',', recorded.shape)}].");
        var apart = (ours.to(ScalarType.Int32) - recorded.to(ScalarType.Int32)).abs().max().item<int>();
        Assert.True(apart <= allowed, $"picture: bytes are up to {apart} apart, {allowed} allowed.");
    }

    private static double CompareDecoded(GoldenCase @case, GoldenTensors tensors, JsonElement outputs, IReadOnlyList<GeneratedPicture> pictures)
    {
        var every = outputs.TryGetProperty("decoded_subsampled", out var n) ? n.GetInt64() : 1;
        var decoded = stack([.. pictures.Select(picture => tensor(picture.Decoded, [3, picture.Picture.Height, picture.Picture.Width]))]);
        decoded = decoded[TensorIndex.Ellipsis, TensorIndex.Slice(null, null, every), TensorIndex.Slice(null, null, every)];
        var recorded = tensors[outputs.GetProperty("decoded").GetString()!];
        var rounding = @case.Json.GetProperty("request").GetProperty("options").GetProperty("rounding").GetString() == "truncate" ? ByteRounding.Truncate : ByteRounding.Nearest;
        CompareRounding(recorded, tensors[outputs.GetProperty("picture").GetString()!], every, rounding);
        return GoldenAssert.Psnr(decoded / 2 + 0.5, recorded / 2 + 0.5, 1);
    }

    // The recorded decoder output turned into bytes by our rule gives the recorded bytes exactly.
    private static void CompareRounding(Tensor decoded, Tensor picture, long every, ByteRounding rounding)
    {
        var bytes = picture.dim() == 3 ? picture.unsqueeze(0) : picture;
        for (var k = 0; k < decoded.shape[0]; k++)
        {
            var ours = decoded.narrow(0, k, 1).ToPictures(rounding)[0];
            var theirs = bytes[k, TensorIndex.Slice(null, null, every), TensorIndex.Slice(null, null, every)].contiguous().data<byte>().ToArray();
            Assert.True(ours.Rgb.ToArray().SequenceEqual(theirs), "the recorded decoder output doesn't round to the recorded bytes");
        }
    }
}
