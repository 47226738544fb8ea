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

    /// <summary>What can be said about a request without a model.</summary>
    /// <exception cref="DiffSynthException">A value is out of range or a name is unknown.</exception>
    public static void Values(GenerationRequest request)
    {
        Within(request.Steps, 1, MostSteps, "steps");
        Within(request.GuidanceRescale, 0, 1, "guidance rescale");
        if (request.Guidance is { } guidance) Within(guidance, 0, 100, "guidance");
        if (request.Init is { } init) Within(init.Strength, 0, 1, "strength");
        Within(request.ClipSkip, 1, 100, "clip skip");
        Within(request.NegativeClipSkip ?? 1, 1, 100, "negative clip skip");
        Within(request.Batch, 1, 64, "batch");
        if (request.Seeds.Count == 0) throw new DiffSynthException("There is no seed, so no picture would be made. Give at least one.");
        if (request.Seeds.FirstOrDefault(seed => seed is < 0 or > uint.MaxValue, -1) is var bad && bad != -1 || request.Seeds.Contains(-1))
            throw new DiffSynthException($"A seed of {request.Seeds.First(seed => seed is < 0 or > uint.MaxValue)} doesn't fit: seeds are 0 … {uint.MaxValue}.");
        if (request.Sampler is { } sampler) SamplerNames.Find(sampler);
        if (request.Schedule is { } schedule) ScheduleNames.Find(schedule);
        PredictionOf(request.Prediction);
    }

    /// <summary>The picture's size: asked for, else the initial picture's, else the model's.</summary>
    /// <exception cref="DiffSynthException">It doesn't fit the model or the initial picture; the message names sizes that do.</exception>
    public static (int Width, int Height) Size(GenerationRequest request, LoadedFamily family)
    {
        Values(request);
        var picture = request.Init?.Picture;
        var width = request.Width ?? picture?.Width ?? family.DefaultSize.Width;
        var height = request.Height ?? picture?.Height ?? family.DefaultSize.Height;
        var multiple = family.SizeMultiple;
        if (width % multiple != 0 || height % multiple != 0 || width < multiple || height < multiple || width > LongestSide || height > LongestSide)
            throw new DiffSynthException($"A size of {width}x{height} doesn't fit {family.Name}: sides are multiples of {multiple} from {multiple} to {LongestSide}. The nearest that fits is {Nearest(width, multiple)}x{Nearest(height, multiple)}.");
        if (picture is not null && (picture.Width, picture.Height) != (width, height))
            throw new DiffSynthException($"The initial picture is {picture.Width}x{picture.Height}, but {width}x{height} is asked for. Resize the picture, or ask for its own size.");
        return (width, height);
    }

    /// <summary>Sampler, schedule and steps.</summary>
    /// <exception cref="DiffSynthException">A name is unknown or the choice makes no sense.</exception>
    public static SamplingPlan Plan(GenerationRequest request, LoadedFamily family) => SamplingPlan.Create(
        request.Scheduler ?? family.Scheduler, request.Sampler, request.Schedule, PredictionOf(request.Prediction), request.Steps, request.Init?.Strength ?? 1,
        request.Init?.Steps switch { StepList.Kept => "kept", StepList.Spread => "spread", _ => null });

    private static Prediction? PredictionOf(string? name) => name switch
    {
        null => null,
        "epsilon" => Prediction.Epsilon,
        "v" => Prediction.V,
        _ => throw new DiffSynthException($"A prediction of '{name}' is unknown. Known: epsilon, v."),
    };

    private static int Nearest(int side, int multiple) => Math.Clamp((int)Math.Round((double)side / multiple) * multiple, multiple, LongestSide);

    private static void Within(double value, double low, double high, string what)
    {
        if (!(value >= low && value <= high)) throw new DiffSynthException($"{Capital(what)} {value:0.###} doesn't fit: expected {low:0} … {high:0}.");
    }

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
