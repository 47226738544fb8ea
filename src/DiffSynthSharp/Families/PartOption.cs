namespace DiffSynthSharp.Families;

/// <summary>An option that names a file for one part of a model.</summary>
/// <param name="Name">As users type it.</param>
/// <param name="What">What the file holds, with its article.</param>
/// <param name="Given">What it was given; null when it wasn't.</param>
/// <param name="Without">The same options without it.</param>
internal sealed record PartOption(string Name, string What, Func<LoadOptions, string?> Given, Func<LoadOptions, LoadOptions> Without)
{
    /// <summary>The autoencoder's.</summary>
    public static PartOption Vae { get; } = new("--vae", "an autoencoder", options => options.Vae, options => options with { Vae = null });

    /// <summary>CLIP-L's.</summary>
    public static PartOption ClipL { get; } = new("--clip-l", "a CLIP-L text encoder", options => options.ClipL, options => options with { ClipL = null });

    /// <summary>CLIP-G's.</summary>
    public static PartOption ClipG { get; } = new("--clip-g", "a CLIP-G text encoder", options => options.ClipG, options => options with { ClipG = null });

    /// <summary>T5's.</summary>
    public static PartOption T5 { get; } = new("--t5", "a T5 text encoder", options => options.T5, options => options with { T5 = null });

    /// <summary>All of them.</summary>
    public static IReadOnlyList<PartOption> All { get; } = [Vae, ClipL, ClipG, T5];

    /// <inheritdoc/>
    public override string ToString() => Name;
}
