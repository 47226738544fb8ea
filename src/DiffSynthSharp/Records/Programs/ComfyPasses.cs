namespace DiffSynthSharp.Records.Programs;

/// <summary>The samplers of a ComfyUI graph one behind the other, and what happens to the latents between them.</summary>
internal sealed class ComfyPasses
{
    private const int MostPasses = 10;

    private static readonly string[] s_samplers = ["KSampler", "KSamplerAdvanced", "SamplerCustom"];
    private static readonly string[] s_codecs = ["VAEDecode", "VAEEncode", "VAEDecodeTiled", "VAEEncodeTiled"];
    private static readonly string[] s_latents = ["latent_image", "samples", "latent", "pixels", "image", "images"];

    private readonly ComfyGraph _graph;
    private readonly ForeignFields _fields;
    private readonly List<(ComfyNode Sampler, double? Width, double? Height, double Scale)> _further = [];

    /// <summary>Walks from the last sampler to where its latents come from.</summary>
    public ComfyPasses(ComfyGraph graph, ForeignFields fields, ComfyNode last)
    {
        (_graph, _fields, First) = (graph, fields, last);
        var (width, height, scale) = ((double?)null, (double?)null, 1.0);
        foreach (var node in graph.Chain(last, "latent_image", s_latents))
        {
            if (IsSampler(node) && _further.Count < MostPasses)
            {
                _further.Insert(0, (First, width, height, scale));
                (First, width, height, scale) = (node, null, null, 1);
            }
            else if (IsStart(node)) break;
            else if (node.Kind is "LatentUpscale" or "ImageScale") (width, height) = (width ?? graph.Number(node, "width"), height ?? graph.Number(node, "height"));
            else if (node.Kind is "LatentUpscaleBy" or "ImageScaleBy") scale *= graph.Number(node, "scale_by") ?? 1;
            else if (!s_codecs.Contains(node.Kind)) fields.Say($"node {ForeignFields.Shown(node.Id)}, {ForeignFields.Shown(node.Kind)}");
        }
    }

    /// <summary>What a sampler node says.</summary>
    public sealed record Values(long? Seed, int? Steps, double? Guidance, double Strength, string? Sampler, string? Schedule);

    /// <summary>The sampler of the first pass.</summary>
    public ComfyNode First { get; }

    /// <summary>The first pass's size; null when it is the initial picture's.</summary>
    public (int Width, int Height)? Size { get; private set; }

    /// <summary>The file name of the picture that the first pass begins with; null when it begins with noise.</summary>
    public string? InitialPicture { get; private set; }

    public static bool IsSampler(ComfyNode node) => s_samplers.Contains(node.Kind);

    /// <summary>The passes behind the first.</summary>
    public IReadOnlyList<HighResPass> HighRes()
    {
        var passes = new List<HighResPass>();
        var (width, height) = ((double)(Size?.Width ?? 0), (double)(Size?.Height ?? 0));
        foreach (var (sampler, toWidth, toHeight, scale) in _further)
        {
            (width, height) = ((toWidth ?? width) * scale, (toHeight ?? height) * scale);
            if (!(width is >= 1 and <= ForeignFields.LargestSide && height is >= 1 and <= ForeignFields.LargestSide))
            {
                _fields.Say($"node {ForeignFields.Shown(sampler.Id)}: a further pass of unknown size");
                break;
            }
            var settings = Settings(sampler);
            passes.Add(new((int)width, (int)height) { Strength = settings.Strength, Steps = settings.Steps, StepList = StepList.Spread, Seed = settings.Seed });
        }
        return passes;
    }

    /// <summary>A sampler's values; those that are not known here are noted.</summary>
    public Values Settings(ComfyNode node)
    {
        var (sampler, schedule) = (_graph.Link(node, "sampler") ?? node, _graph.Link(node, "sigmas") ?? node);
        var (name, scheduler) = (_graph.Value(sampler, "sampler_name") ?? "", _graph.Value(schedule, "scheduler") ?? "");
        var ours = SamplerLabels.OfComfy(name, scheduler);
        if (ours.Sampler is null) _fields.Note("sampler_name", name, "not known here");
        if (ours.Schedule is null) _fields.Note("scheduler", scheduler, "not known here");
        if (_graph.Number(node, "start_at_step") is > 0) _fields.Note("start_at_step", _graph.Value(node, "start_at_step")!, "not known here");
        return new(
            ForeignFields.SeedOf(_graph.Value(node, "seed") ?? _graph.Value(node, "noise_seed")), Whole(_graph.Number(schedule, "steps"), 1000),
            _graph.Number(node, "cfg") is >= 0 and <= 100 and var guidance ? guidance : null,
            _graph.Number(schedule, "denoise") is >= 0 and <= 1 and var strength ? strength : 1, ours.Sampler, ours.Schedule);
    }

    private bool IsStart(ComfyNode node)
    {
        if (node.Kind.StartsWith("Empty", StringComparison.Ordinal))
        {
            if (Whole(_graph.Number(node, "width"), ForeignFields.LargestSide) is { } width && Whole(_graph.Number(node, "height"), ForeignFields.LargestSide) is { } height)
                Size = (width, height);
            return true;
        }
        if (!node.Kind.StartsWith("LoadImage", StringComparison.Ordinal)) return false;
        InitialPicture = _graph.Value(node, "image") ?? "?";
        return true;
    }

    private static int? Whole(double? value, int most) => value >= 1 && value <= most ? (int)value : null;
}
