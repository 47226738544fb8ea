namespace DiffSynthSharp.Weights;

/// <summary>Something that a file or folder looks like it holds.</summary>
/// <param name="Sign">What, and of which family.</param>
/// <param name="Source">Where.</param>
/// <param name="Prefix">What stands before its tensors' names; empty for nothing.</param>
/// <param name="Entries">Its tensors.</param>
internal sealed record LikelyPart(FamilySign Sign, ITensorSource Source, string Prefix, IReadOnlyList<TensorEntry> Entries);

/// <summary>Tells by names and shapes what files hold, also those that this version can't run.</summary>
internal static class FamilySigns
{
    // What single files with several networks put before the names of each.
    private static readonly string[] s_prefixes =
    [
        "model.diffusion_model.", "first_stage_model.", "cond_stage_model.", "conditioner.embedders.0.", "conditioner.embedders.1.",
        "text_encoders.clip_l.", "text_encoders.clip_g.", "text_encoders.t5xxl.", "vae.",
    ];

    /// <summary>What sources look like: one adapter, or the parts of a model.</summary>
    /// <param name="sources">A file, or the components of a folder.</param>
    public static IReadOnlyList<LikelyPart> Look(IEnumerable<ITensorSource> sources) => [.. sources.SelectMany(Look)];

    private static IEnumerable<LikelyPart> Look(ITensorSource source)
    {
        var all = source.Entries.Values.ToList();
        if (First(FamilySignTable.Adapters, all) is { } adapter) return [new(adapter, source, "", all)];
        return from part in all.GroupBy(entry => Array.Find(s_prefixes, prefix => entry.Name.StartsWith(prefix, StringComparison.Ordinal)) ?? "")
               let sign = First(FamilySignTable.Parts, [.. part])
               where sign is not null
               orderby sign.Kind, part.Key
               select new LikelyPart(sign, source, part.Key, [.. part]);
    }

    /// <summary>What parts are in words: "SDXL (U-Net, CLIP-L text encoder, autoencoder)", "a ControlNet for SDXL"; null without any.</summary>
    public static string? Words(IReadOnlyList<LikelyPart> parts)
    {
        if (parts.Count == 0) return null;
        var family = parts.FirstOrDefault(part => part.Sign.Kind == SignKind.Denoiser)?.Sign.Family;
        return parts.Count == 1 ? parts[0].Sign.ToString()
            : family is null ? string.Join(" and ", parts.Select(part => part.Sign.ToString()).Distinct())
            : $"{family} ({string.Join(", ", parts.Select(part => part.Sign.Part))})";
    }

    /// <summary>A sentence for an error: what a file looks like, or how its names begin.</summary>
    public static string Describe(ITensorSource source)
        => source.Entries.Count == 0 ? "It holds no tensors."
            : Words(Look([source])) is { } words ? $"It looks like {words}."
            : source.Entries.Count == 1 ? $"Its one tensor is '{OneLine.Of(source.Entries.Keys.First())}'."
            : $"Its {source.Entries.Count} tensors begin with '{OneLine.Of(source.Entries.Keys.First())}'.";

    private static FamilySign? First(IReadOnlyList<FamilySign> signs, IReadOnlyCollection<TensorEntry> entries)
    {
        var names = new TensorNames(entries);
        return signs.FirstOrDefault(sign => sign.IsIn(names));
    }
}
