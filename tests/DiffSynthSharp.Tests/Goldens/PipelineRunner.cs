using System.Text.Json;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Whole models, any family: the golden's model as files, its request through the public door, latents and pictures compared.</summary>
internal sealed class PipelineRunner : IGoldenRunner
{
    private static readonly string[] s_families = ["stable-diffusion", "flux", "sd3"];
    private static readonly string[] s_laterFeatures = ["references"];

    public string Kind => "pipeline";

    public void Run(GoldenCase @case)
    {
        var family = @case.Folder.Json.GetProperty("family").GetString()!;
        Assert.SkipUnless(s_families.Contains(family), $"The family '{family}' isn't built yet.");
        var request = @case.Json.GetProperty("request");
        if (@case.Text("operation") == "mask-weights")
        {
            CompareRegionWeights(@case);
            return;
        }
        if (request.ValueKind == JsonValueKind.Null)
        {
            Assert.SkipUnless(@case.Name.Contains("schedules", StringComparison.Ordinal), "The case makes no picture; its feature isn't built yet.");
            RecordedFlowLists.Compare(@case);
            return;
        }
        var later = s_laterFeatures.FirstOrDefault(feature => request.TryGetProperty(feature, out _));
        Assert.SkipWhen(later is not null, $"A request with '{later}' isn't built yet.");
        using var tensors = @case.Tensors();
        using var model = Load(@case);
        Assert.SkipWhen(model.Family.AdaptedNetworks.Count == 0 && request.TryGetProperty("loras", out _), $"LoRAs for {family} aren't built yet.");
        using var folder = new TemporaryFolder();
        var embeddings = Embeddings(request, tensors, folder);
        var loras = Loras(@case, folder);
        var pictures = Requests(@case.Folder, request, tensors, model.Family.DefaultEmbeddedGuidance is not null).SelectMany(one => model.Generate(AsItsReference(@case, one) with { Embeddings = embeddings, Loras = loras })).ToList();
        Compare(@case, tensors, pictures);
    }

    private static void CompareRegionWeights(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        foreach (var name in tensors.Outputs.Where(name => name.StartsWith("out.blurred.", StringComparison.Ordinal)))
        {
            var recorded = tensors[name];
            var mask = Picture(tensors[name.Replace("out.blurred", "in.mask", StringComparison.Ordinal)]);
            GoldenAssert.Close(name, LatentMask.Region(mask, (int)recorded.shape[2], (int)recorded.shape[3], 10), recorded, @case.Tolerance);
        }
    }

    private static DiffusionModel Load(GoldenCase @case)
    {
        var name = @case.Text("model")!;
        var folder = PipelineModels.Folder(@case.Folder, name);
        var load = @case.Folder.Json.GetProperty("models").GetProperty(name).GetProperty("load");
        string? Named(string part) => load.TryGetProperty(part, out var path) ? Path.GetFullPath(Path.Combine(folder, path.GetString()!)) : null;
        return DiffusionModel.Load(Named("model")!, new() { Vae = Named("vae"), ClipL = Named("clip_l"), ClipG = Named("clip_g"), T5 = Named("t5"), Tokenizers = Named("tokenizers") });
    }

    // diffusers' StableDiffusionPipeline.encode_prompt skips layers for the prompt alone, never for the negative one.
    private static GenerationRequest AsItsReference(GoldenCase @case, GenerationRequest request)
        => @case.Text("reference") == "diffusers" ? request with { NegativeClipSkip = 1 } : request;

    // Networks that are told no guidance ignore the recorded one; here it would be refused. Each picture depends on its own seed alone, so a golden's batch with a prompt per seed is as many requests.
    private static IEnumerable<GenerationRequest> Requests(GoldenFolder golden, JsonElement request, GoldenTensors tensors, bool isTold)
    {
        var seeds = request.GetProperty("seeds").EnumerateArray().Select(seed => seed.GetInt64()).ToList();
        return request.GetProperty("prompt").ValueKind == JsonValueKind.Array
            ? seeds.Select((seed, i) => Request(golden, request, tensors, [seed], i, isTold))
            : [Request(golden, request, tensors, seeds, 0, isTold)];
    }

    private static GenerationRequest Request(GoldenFolder golden, JsonElement request, GoldenTensors tensors, IReadOnlyList<long> seeds, int row, bool isTold)
    {
        string? Prompt(string name) => !request.TryGetProperty(name, out var value) ? null : value.ValueKind == JsonValueKind.Array ? value[row].GetString() : value.GetString();
        JsonElement? Value(string name) => request.TryGetProperty("options", out var options) && options.TryGetProperty(name, out var value) ? value : null;
        string? Option(string name) => request.TryGetProperty("options", out var options) && options.TryGetProperty(name, out var value) ? value.GetString() : null;
        return new()
        {
            Prompt = Prompt("prompt")!,
            Negative = Prompt("negative"),
            Seeds = seeds,
            Batch = seeds.Count,
            Width = Side(request, "width"),
            Height = Side(request, "height"),
            EmbeddedGuidance = !isTold || !request.TryGetProperty("embedded_guidance", out var told) ? null : told.GetDouble(),
            SecondPrompt = Prompt("prompt_2"),
            TextLength = Value("text_length")?.GetInt32(),
            CacheThreshold = Value("teacache")?.GetProperty("threshold").GetDouble(),
            SkipLayers = Value("skip_layers") is { } skip ? Skipped(skip) : null,
            Steps = request.GetProperty("steps").GetInt32(),
            Guidance = request.GetProperty("guidance").GetDouble(),
            GuidanceRescale = request.TryGetProperty("guidance_rescale", out var rescale) ? rescale.GetDouble() : 0,
            ClipSkip = request.TryGetProperty("clip_skip", out var clipSkip) ? clipSkip.GetInt32() : 1,
            Sampler = request.GetProperty("sampler").GetString(),
            Schedule = request.GetProperty("schedule").GetProperty("name").GetString(),
            Scheduler = SchedulerSettings.FromRequest(request.GetProperty("schedule")),
            Prediction = request.TryGetProperty("prediction", out var prediction) ? prediction.GetString() : null,
            LongPrompt = Option("long_prompt") == "rows" ? LongPrompt.Rows : LongPrompt.Cut,
            Rounding = Option("rounding") == "truncate" ? ByteRounding.Truncate : ByteRounding.Nearest,
            Init = request.TryGetProperty("init", out var init) ? Init(init, tensors) : null,
            Mask = request.TryGetProperty("mask", out var mask) ? new(Picture(tensors[mask.GetString()!])) { Blur = 0, PasteOriginal = false } : null,
            HighRes = request.TryGetProperty("highres", out var highres) ? [HighRes(highres)] : [],
            Tiles = request.TryGetProperty("tiled", out var tiled) ? Tiles(tiled) : null,
            Regions = request.TryGetProperty("regions", out var regions) ? [.. regions.EnumerateArray().Select(region => Region(region, tensors))] : [],
            RegionBlur = 10,
            Controls = request.TryGetProperty("controls", out var controls) ? [.. controls.EnumerateArray().Select(control => Control(golden, control, tensors))] : [],
            Syntax = PromptSyntax.Plain,
            KeepDecoded = true,
        };
    }

    // Sizes that don't fit are rounded by the references, each its own way; here they are refused.
    private static int Side(JsonElement request, string name)
    {
        const int multiple = 16;
        var side = request.GetProperty(name).GetInt32();
        if (!request.GetProperty("options").TryGetProperty("size_to_multiple_of_16", out var way)) return side;
        return way.GetString() == "up" ? (side + multiple - 1) / multiple * multiple : side / multiple * multiple;
    }

    private static SkipLayers Skipped(JsonElement skip) => new([.. skip.GetProperty("blocks").EnumerateArray().Select(block => block.GetInt32())])
    {
        Scale = skip.GetProperty("scale").GetDouble(),
        Start = skip.GetProperty("start").GetDouble(),
        End = skip.GetProperty("stop").GetDouble(),
    };

    private static IReadOnlyList<LoraUse> Loras(GoldenCase @case, TemporaryFolder folder)
        => !@case.Json.GetProperty("request").TryGetProperty("loras", out var loras) ? []
            : [.. loras.EnumerateArray().Select((lora, i) => new LoraUse(
                PipelineModels.Adapter(@case.Folder, lora.GetProperty("file"), folder[$"lora-{i}.safetensors"]), lora.GetProperty("scale").GetDouble())
            {
                IgnoreAlpha = lora.TryGetProperty("alpha", out var alpha) && alpha.GetString() == "ignored",
            })];

    private static HighResPass HighRes(JsonElement highres) => new(highres.GetProperty("width").GetInt32(), highres.GetProperty("height").GetInt32())
    {
        Strength = highres.GetProperty("strength").GetDouble(),
        Steps = highres.TryGetProperty("steps", out var steps) ? steps.GetInt32() : null,
        Resize = Enum.Parse<ResizeFilter>(highres.GetProperty("resize").GetString()!, ignoreCase: true),
        Posterior = Posterior(highres),
        StepList = highres.GetProperty("step_list").GetString() == "kept" ? StepList.Kept : StepList.Spread,
        Seed = highres.TryGetProperty("seed", out var seed) ? seed.GetInt64() : null,
    };

    private static TileSettings Tiles(JsonElement tiled)
    {
        TileGrid Grid(string part) => new(tiled.GetProperty(part).GetProperty("tile").GetInt64(), tiled.GetProperty(part).GetProperty("stride").GetInt64());
        return new(tiled.GetProperty("tile").GetInt32(), tiled.GetProperty("stride").GetInt32())
        {
            Network = !tiled.TryGetProperty("network", out var network) ? TiledNetwork.None
                : network.GetProperty("each").GetString() == "block" ? TiledNetwork.Blocks : TiledNetwork.Steps,
            Encoder = tiled.TryGetProperty("encoder", out _) ? Grid("encoder") : null,
        };
    }

    private static PromptRegion Region(JsonElement region, GoldenTensors tensors)
        => new(Picture(tensors[region.GetProperty("mask").GetString()!]), region.GetProperty("prompt").GetString()!, region.GetProperty("scale").GetDouble());

    private static ControlUse Control(GoldenFolder golden, JsonElement control, GoldenTensors tensors)
    {
        double Number(string name, double otherwise) => control.TryGetProperty(name, out var value) ? value.GetDouble() : otherwise;
        var isCondition = control.TryGetProperty("preprocess", out var preprocess) && !preprocess.GetBoolean();
        return new(PipelineModels.File(golden, control.GetProperty("model")), Picture(tensors[control.GetProperty("image").GetString()!]))
        {
            Annotator = isCondition ? "none" : control.GetProperty("type").GetString()!,
            Scale = Number("scale", 1),
            Start = Number("start", 0),
            End = Number("end", 1),
        };
    }

    private static LatentPosterior Posterior(JsonElement init) => init.GetProperty("posterior").GetString() == "sample" ? LatentPosterior.Sample : LatentPosterior.Mean;

    // (height, width[, 3]) bytes; one channel stands for three.
    private static Picture Picture(Tensor image)
    {
        var rgb = (image.dim() == 2 ? image.unsqueeze(2).expand(-1, -1, 3) : image).contiguous();
        return new((int)image.shape[1], (int)image.shape[0], rgb.data<byte>().ToArray());
    }

    private static List<EmbeddingUse> Embeddings(JsonElement request, GoldenTensors tensors, TemporaryFolder folder)
    {
        var uses = new List<EmbeddingUse>();
        if (!request.TryGetProperty("embeddings", out var embeddings)) return uses;
        foreach (var embedding in embeddings.EnumerateArray())
        {
            var path = folder[$"{uses.Count}.safetensors"];
            SafetensorsWriter.Write(path, [("emb_params", tensors[embedding.GetProperty("vectors").GetString()!])]);
            uses.Add(new(path) { Keyword = embedding.GetProperty("keyword").GetString() });
        }
        return uses;
    }

    private static InitImage Init(JsonElement init, GoldenTensors tensors) => new(
        Picture(tensors[init.GetProperty("image").GetString()!]), init.GetProperty("strength").GetDouble(), Posterior(init),
        init.GetProperty("steps").GetString() == "kept" ? StepList.Kept : StepList.Spread);

    private static void Compare(GoldenCase @case, GoldenTensors tensors, IReadOnlyList<GeneratedPicture> pictures)
    {
        var outputs = @case.Json.GetProperty("outputs");
        CompareEarlier(@case, tensors, outputs, pictures);
        var latents = stack([.. pictures.Select(picture => tensor(picture.Latents, [.. picture.LatentShape.Select(side => (long)side)]))]);
        GoldenAssert.Close("latents", latents, tensors[outputs.GetProperty("latents").GetString()!], @case.Tolerance);
        if (!outputs.TryGetProperty("picture", out var name)) return; // the reference's picture has holes
        var recorded = tensors[name.GetString()!];
        recorded = outputs.GetProperty("picture_axes").GetString() switch
        {
            "hwc" => recorded.unsqueeze(0),
            "nchw" => recorded.permute(0, 2, 3, 1),
            _ => recorded,
        };
        var bytes = stack([.. pictures.Select(picture => tensor(picture.Picture.Rgb.ToArray(), [picture.Picture.Height, picture.Picture.Width, 3], dtype: ScalarType.Byte))]);
        CompareBytes(bytes, recorded, @case.Json.TryGetProperty("uint8_steps", out var steps) ? steps.GetInt32() : 1);
        var needed = @case.Json.GetProperty("psnr").GetDouble();
        var found = @case.Text("psnr_of") == "picture" ? GoldenAssert.Psnr(bytes, recorded, 255) : CompareDecoded(@case, tensors, outputs, pictures);
        Assert.True(found >= needed, $"{@case.Text("psnr_of")}: {found:f1} dB, at least {needed} dB wanted.");
    }

    // A high-resolution pass: the first pass, and its bytes enlarged.
    private static void CompareEarlier(GoldenCase @case, GoldenTensors tensors, JsonElement outputs, IReadOnlyList<GeneratedPicture> pictures)
    {
        if (!outputs.TryGetProperty("first_latents", out var name)) return;
        var first = pictures[0].Earlier[0];
        GoldenAssert.Close("first latents", tensor(first.Latents, [1, .. first.LatentShape.Select(side => (long)side)]), tensors[name.GetString()!], @case.Tolerance);
        var enlarged = Picture(tensors[outputs.GetProperty("first_picture").GetString()!]).Resize(pictures[0].Picture.Width, pictures[0].Picture.Height);
        Assert.True(enlarged.Rgb.SequenceEqual(Picture(tensors[outputs.GetProperty("enlarged").GetString()!]).Rgb), "the first picture is enlarged to other bytes");
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
