using DiffSynthSharp.Sampling;

namespace DiffSynthSharp.Families;

/// <summary>A network that a model of some family is made of.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Sizes">Its dimensions in words.</param>
/// <param name="IsOptional">Whether a model runs without it.</param>
internal sealed record FamilyPart(PartKind Kind, Func<ModelPart, string> Sizes, bool IsOptional = false);

/// <summary>A family of models: how its files are recognised and become a model that runs.</summary>
internal abstract class ModelFamily
{
    /// <summary>As users say it.</summary>
    public abstract string Name { get; }

    /// <summary>The networks that a model is made of.</summary>
    public abstract IReadOnlyList<FamilyPart> Parts { get; }

    /// <summary>Published files that hold at least the network that denoises.</summary>
    public abstract IReadOnlyList<PublishedFile> Published { get; }

    /// <summary>Whether LoRAs can be attached to models of the family.</summary>
    public virtual bool TakesLoras => false;

    /// <summary>The network that denoises, by which the family is told.</summary>
    protected abstract PartKind Denoiser { get; }

    /// <summary>Whether the files hold this family's denoising network.</summary>
    public virtual bool Fits(ModelFiles files) => files.Find(Denoiser) is not null;

    /// <summary>Makes sure that the files are a complete model that can run, before anything is loaded.</summary>
    /// <exception cref="DiffSynthException">A part is missing or can't be used.</exception>
    public virtual void Check(ModelFiles files)
    {
        foreach (var part in Parts)
            if (!part.IsOptional) Required(files, part.Kind);
    }

    /// <summary>Makes sure that every file that an option names is for a part that the family has.</summary>
    /// <exception cref="DiffSynthException">One would be left out; the message says what the family takes.</exception>
    public void Check(LoadOptions options)
    {
        if (Unread(options).FirstOrDefault() is not { } option) return;
        throw new DiffSynthException($"{option} names {option.What}, which a model of {Name} doesn't have. It takes {string.Join(", ", PartOption.All.Where(Has))}: leave {option} out.");
    }

    /// <summary>The options without those that name files for parts that the family doesn't have, as the record of a picture may.</summary>
    /// <param name="options">As they were once given.</param>
    /// <param name="say">Takes a line for each that is left out.</param>
    public LoadOptions Fitting(LoadOptions options, Action<string> say)
    {
        foreach (var option in Unread(options).ToList())
        {
            say($"The record's {option} '{option.Given(options)}' is left out: a model of {Name} has no such part.");
            options = option.Without(options);
        }
        return options;
    }

    /// <summary>Whether the family has a part that an option names files for.</summary>
    public bool Has(PartOption option) => Parts.Any(part => part.Kind.Option == option);

    private IEnumerable<PartOption> Unread(LoadOptions options) => PartOption.All.Where(option => option.Given(options) is not null && !Has(option));

    /// <summary>What the files lack of a complete model, in words.</summary>
    public virtual IReadOnlyList<string> Missing(ModelFiles files) => [.. Parts.Where(part => !part.IsOptional && files.Find(part.Kind) is null).Select(part => part.Kind.Name)];

    /// <summary>Loads a model.</summary>
    /// <param name="files">Complete files; they may be closed afterwards.</param>
    /// <param name="context">Where to.</param>
    /// <exception cref="DiffSynthException">A tokenizer or a tensor is missing, unknown or of another shape.</exception>
    public abstract LoadedFamily Load(ModelFiles files, LoadContext context);

    /// <summary>The model before it is loaded, from its files' headers.</summary>
    /// <param name="files">Its files; what is missing but for the denoising network is left out, as where only that one is measured.</param>
    public abstract FamilyOutline Outline(ModelFiles files);

    /// <summary>The noise schedule and sampler: the folder's own, else the family's.</summary>
    public virtual SchedulerSettings SchedulerOf(ModelFiles files) => files.Scheduler is { } scheduler ? SchedulerSettings.FromDiffusers(scheduler.Root) : DefaultScheduler;

    /// <summary>Noise schedule and sampler of models that name none.</summary>
    protected abstract SchedulerSettings DefaultScheduler { get; }

    /// <summary>What <see cref="DefaultScheduler"/> is, in words.</summary>
    public abstract string DefaultSchedulerName { get; }

    /// <summary>Makes sure that a part gives what the denoising network takes.</summary>
    /// <exception cref="DiffSynthException">It gives something of another width.</exception>
    protected void Fit(ModelFiles files, PartKind kind, long given, long taken, string what)
    {
        if (given == taken) return;
        throw new DiffSynthException(
            $"The {kind.Name} in '{Required(files, kind).Weights.Origin}' gives {what} of width {given}, but the {Denoiser.Name} in '{Required(files, Denoiser).Weights.Origin}' takes {taken}: the two belong to different models.");
    }

    /// <summary>A part that the model can't do without.</summary>
    /// <exception cref="DiffSynthException">It isn't there.</exception>
    protected ModelPart Required(ModelFiles files, PartKind kind) => files.Find(kind) ?? throw new DiffSynthException(
        $"'{files.Path}' holds no {kind.Name} of {Name}. {FamilyCatalogue.Describe(files)}"
        + (kind.Option is null || kind.Published.Count == 0 ? " `diffsynth inspect` lists what it holds."
            : $" Name its file with {kind.Option}, or put {string.Join(" or ", kind.Published.Select(file => file.Name))} beside it; `diffsynth models where` says where to get it."));
}
