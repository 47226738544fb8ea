namespace DiffSynthSharp.Weights;

/// <summary>What sort of thing a file may hold.</summary>
internal enum SignKind
{
    /// <summary>Is attached to a model; a file of it holds nothing else.</summary>
    Adapter,

    /// <summary>The network that denoises, by which a model's family is told.</summary>
    Denoiser,

    /// <summary>Another network of a model.</summary>
    Part,

    /// <summary>A network that works on pictures by itself.</summary>
    Tool,
}

/// <summary>By which names something is recognised.</summary>
/// <param name="Kind">What sort of thing it is.</param>
/// <param name="Family">The family of models it belongs to; null where several share it, or nothing tells.</param>
/// <param name="Part">What it is, such as "U-Net".</param>
/// <param name="Names">
/// Paths in tensor names that must all be there, each given with its alternatives parted by <c>|</c>; see <see cref="TensorNames.Has"/>.
/// </param>
internal sealed record FamilySign(SignKind Kind, string? Family, string Part, params string[] Names)
{
    /// <summary>What else must hold, where names alone don't tell.</summary>
    public Func<TensorNames, bool> Where { get; init; } = _ => true;

    /// <summary>What takes such a file: an option, or a command in backquotes; null when nothing does by itself.</summary>
    public string? Use { get; init; }

    /// <summary>Whether tensors have the names and shapes of this.</summary>
    public bool IsIn(TensorNames names) => Names.All(names.Has) && Where(names);

    /// <summary>In words, with an article: "a ControlNet for SDXL", "the U-Net of SDXL", "an autoencoder".</summary>
    public override string ToString() => Kind switch
    {
        SignKind.Denoiser => $"the {Part} of {Family}",
        SignKind.Adapter when Family is not null => $"{Article} for {Family}",
        _ => Family is null ? Article : $"{Article} of {Family}",
    };

    // "mT5" is spoken with a vowel first.
    private string Article => (Part.StartsWith("mT5", StringComparison.Ordinal) || "aAEIO".Contains(Part[0], StringComparison.Ordinal) ? "an " : "a ") + Part;
}
