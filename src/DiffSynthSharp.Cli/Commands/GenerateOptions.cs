using System.CommandLine;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Sampling.Samplers;
using DiffSynthSharp.Sampling.Schedules;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>The options of <c>diffsynth generate</c>, and the request they make.</summary>
internal sealed class GenerateOptions
{
    private const int MostPictures = 10_000;

    public Argument<string?> Prompt { get; } = new("prompt") { Description = "What the picture shows.", Arity = ArgumentArity.ZeroOrOne };

    public Option<string?> Like { get; } = Values.Text("--like", "PICTURE",
        "Makes a picture again, bit for bit, from what its file says; other options change what they name. Also reads what AUTOMATIC1111,"
            + " ComfyUI, InvokeAI and SwarmUI wrote, as far as it maps, and says what did not.");

    public Option<string?> Model { get; } = Values.Text("--model", "PATH",
        "A checkpoint (.safetensors, .ckpt) or a model folder. Default: the starter model that comes with the program.", "-m");

    public Option<string?> Negative { get; } = Values.Text("--negative", "TEXT", "What the picture should not show.", "-n");

    public Option<int?> Steps { get; } = Values.Whole("--steps", "N", "Denoising steps, 1 to 1000. Default: 20.");

    public Option<double?> Guidance { get; } = Values.Number("--guidance", "X",
        "How strongly the prompt is followed (classifier-free guidance); 1 switches it off and halves the time."
            + " Default: the model's, 7.5 for Stable Diffusion.");

    public Option<long?> Seed { get; } = Values.Seed("--seed", "N",
        "0 to 4294967295; the same seed gives the same picture. Default: a random one, which is part of the file's name.");

    public Option<int?> Count { get; } = Values.Whole("--count", "N", "Number of pictures, of seeds N, N+1, N+2 … Default: 1.");

    public Option<(int Width, int Height)?> Size { get; } = Values.Size("--size",
        "Picture size in pixels. Default: the initial picture's, else the model's own.");

    public Option<string?> Output { get; } = Values.Text("--output", "FILE",
        "A .png, .jpg or .webp file, which is replaced, or a folder. Default: <prompt>-<seed>.png here, numbered when it exists.", "-o");

    public Option<string?> Init { get; } = Values.Text("--init", "FILE", "Start from this picture (image to image); it is resized when --size is another.");

    public Option<double?> Strength { get; } = Values.Number("--strength", "X", "With --init: 0 keeps the picture, 1 replaces it. Default: 0.75.");

    public Option<string?> Sampler { get; } = Values.Text("--sampler", "NAME",
        $"One of {Listed(SamplerNames.All)}. Default: the folder's scheduler_config.json, else ddim.");

    public Option<string?> Schedule { get; } = Values.Text("--schedule", "NAME",
        $"One of {Listed(ScheduleNames.All)}. Default: the folder's scheduler_config.json, else diffsynth.");

    public Option<double?> Shift { get; } = Values.Number("--shift", "X",
        "Models trained by flow matching (SD3, FLUX): above 1 spends more steps near the noise. Default: the model's own.");

    public Option<string?> Prediction { get; } = Values.Text("--prediction", "NAME",
        "What the network predicts: epsilon or v. Default: the folder's scheduler_config.json, else epsilon.");

    public Option<int?> ClipSkip { get; } = Values.Whole("--clip-skip", "N",
        "1 takes the text encoder's last layer, 2 the one before (A1111's counting). Default: 1.");

    public Option<double?> GuidanceRescale { get; } = Values.Number("--guidance-rescale", "X",
        "0 to 1: takes back the contrast that guidance adds. Default: 0.");

    public Option<int?> Batch { get; } = Values.Whole("--batch", "N", "Pictures denoised side by side; changes memory, never a picture. Default: 1.");

    public LoadingOptions Loading { get; } = new();

    public Option<string?> LatentsOutput { get; } = Values.Text("--latents-output", "FILE", "Also write the latents before decoding, as a .safetensors file.");

    public Option<bool> Quiet { get; } = Values.Flag("--quiet", "Print nothing but errors.", "-q");

    public Option<bool> Json { get; } = Values.Flag("--json", "Print one line of JSON per picture: file, seed, seconds per phase, peak memory.");

    private readonly RequestOptions[] _parts =
    [
        new PromptOptions(), new TransformerOptions(), new InpaintingOptions(), new HighResOptions(), new TileOptions(), new RegionOptions(), new LoraOptions(), new ControlOptions(),
    ];

    public IEnumerable<Option> All =>
    [
        Like, Model, Negative, Steps, Guidance, Seed, Count, Size, Output, Init, Strength, Sampler, Schedule, Shift, Prediction, ClipSkip, GuidanceRescale, Batch,
        .. _parts.SelectMany(part => part.All), .. Loading.All, LatentsOutput, Quiet, Json,
    ];

    /// <summary>What is to be made, all seeds in one request.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="like">The picture that is repeated; null when none is.</param>
    /// <param name="say">Takes what the user should know.</param>
    /// <exception cref="DiffSynthException">A value is out of range, or a file is missing.</exception>
    public GenerationRequest Request(ParseResult parsed, Repetition? like, Action<string> say)
    {
        var prompt = parsed.GetValue(Prompt) ?? like?.Request.Prompt
            ?? throw new DiffSynthException("There is no prompt. Say what the picture shows, or name a picture to repeat with --like.");
        var defaults = (like?.Request ?? new() { Prompt = prompt }) with { Prompt = prompt };
        var count = parsed.GetValue(Count) ?? 1;
        if (count is < 1 or > MostPictures) throw new DiffSynthException($"Count {count} doesn't fit: expected 1 … {MostPictures}.");
        var seed = parsed.GetValue(Seed) ?? like?.Request.Seeds[0] ?? Random.Shared.NextInt64(uint.MaxValue - MostPictures);
        var strength = parsed.GetValue(Strength);
        if (strength is < 0 or > 1) throw new DiffSynthException($"Strength {strength} doesn't fit: expected 0 … 1.");
        if (strength is not null && parsed.GetValue(Init) is null && defaults.Init is null)
            throw new DiffSynthException("--strength needs a picture to start from: name it with --init.");
        var request = defaults with
        {
            Negative = parsed.GetValue(Negative) ?? defaults.Negative,
            Steps = parsed.GetValue(Steps) ?? defaults.Steps,
            Guidance = parsed.GetValue(Guidance) ?? defaults.Guidance,
            GuidanceRescale = parsed.GetValue(GuidanceRescale) ?? defaults.GuidanceRescale,
            Seeds = [.. Enumerable.Range(0, count).Select(k => seed + k)],
            Width = parsed.GetValue(Size)?.Width ?? defaults.Width,
            Height = parsed.GetValue(Size)?.Height ?? defaults.Height,
            Sampler = parsed.GetValue(Sampler) ?? defaults.Sampler,
            Schedule = parsed.GetValue(Schedule) ?? defaults.Schedule,
            Shift = parsed.GetValue(Shift) ?? defaults.Shift,
            Prediction = parsed.GetValue(Prediction) ?? defaults.Prediction,
            ClipSkip = parsed.GetValue(ClipSkip) ?? defaults.ClipSkip,
            Batch = parsed.GetValue(Batch) ?? defaults.Batch,
        };
        (request with { Mask = null }).Validate();
        request = request with { Init = InitialPicture(parsed, request, strength ?? like?.Strength, say) };
        foreach (var part in _parts) request = part.Apply(parsed, request, say);
        request.Validate();
        return request;
    }

    /// <summary>Properties of a repeated picture's request, by their names in its record, which the command line replaces.</summary>
    public IReadOnlyList<string> Replaced(ParseResult parsed) => [.. All.Where(option => parsed.GetResult(option) is { Implicit: false })
        .Select(option => option.Name switch { "--init" => "init", "--mask" => "mask", "--region" => "regions", "--control" => "controls", _ => null }).OfType<string>()];

    private InitImage? InitialPicture(ParseResult parsed, GenerationRequest request, double? strength, Action<string> say)
    {
        var init = parsed.GetValue(Init) is { } file ? new InitImage(Picture.Load(file)) : request.Init;
        if (init is null) return null;
        var size = request is { Width: { } width, Height: { } height } ? (width, height) : parsed.GetValue(Size);
        return init with { Picture = Fitted(init.Picture, size, say), Strength = strength ?? init.Strength };
    }

    // A size that no picture can have is left for the model to refuse.
    private static Picture Fitted(Picture picture, (int Width, int Height)? size, Action<string> say)
    {
        if (size is not ({ } width, { } height) || (width, height) == (picture.Width, picture.Height)) return picture;
        if (width < 1 || height < 1 || (long)width * height > Picture.MaxPixels) return picture;
        say($"The initial picture was resized from {picture.Width}x{picture.Height} to {width}x{height}.");
        return picture.Resize(width, height);
    }

    private static string Listed(IEnumerable<(string Name, string Description)> names) => string.Join(", ", names.Select(name => name.Name));
}
