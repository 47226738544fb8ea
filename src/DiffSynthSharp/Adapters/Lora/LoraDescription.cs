using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp;

/// <summary>One module of an adapter.</summary>
/// <param name="Name">diffusers' name of its layer where that is known, else as the file spells it.</param>
/// <param name="Network">"unet" (any denoiser), "text_encoder" …; null when neither file nor name tells.</param>
/// <param name="Kind">LoRA, LoCon, DoRA, LoHa, LoKr, IA3 or full.</param>
/// <param name="Rank">Rows of its thin factor; null for kinds without one.</param>
/// <param name="Alpha">The file's alpha; null when it has none, which counts as the rank.</param>
/// <param name="Types">Element types of its tensors, the most frequent first; alpha apart.</param>
public sealed record LoraModuleDescription(string Name, string? Network, string Kind, long? Rank, double? Alpha, IReadOnlyList<string> Types);

/// <summary>What an adapter file holds.</summary>
/// <param name="Path">The file.</param>
/// <param name="Layout">How most of its tensors are named.</param>
/// <param name="LooksLike">The family that names and shapes speak for, when they do.</param>
/// <param name="Modules">What it changes, by name.</param>
/// <param name="Tensors">Tensors in the file.</param>
/// <param name="Bytes">What they take.</param>
public sealed record LoraDescription(string Path, LoraLayout Layout, string? LooksLike, IReadOnlyList<LoraModuleDescription> Modules, int Tensors, long Bytes)
{
    /// <summary>Tensors that belong to no adapter.</summary>
    public IReadOnlyList<string> Strays { get; init; } = [];

    /// <summary>Tensors whose partner is missing.</summary>
    public IReadOnlyList<string> IncompleteKeys { get; init; } = [];

    /// <summary>What its header tells people.</summary>
    public required LoraNotes Notes { get; init; }

    /// <summary>The header's notes as they stand there.</summary>
    public required IReadOnlyDictionary<string, string> Metadata { get; init; }

    /// <summary>Describes an open file.</summary>
    internal static LoraDescription Of(LoraFile file) => new(file.Path, file.Layout, LoraFamily.Guess(file.Modules),
        [.. file.Modules.Where(module => module.IsComplete).Select(Describe)], file.Entries.Count, file.Entries.Values.Sum(entry => entry.Bytes))
    {
        Strays = file.Strays,
        IncompleteKeys = [.. file.Modules.Where(module => !module.IsComplete).SelectMany(module => module.Keys)],
        Notes = LoraNotes.Of(file.Metadata),
        Metadata = file.Metadata,
    };

    private static LoraModuleDescription Describe(LoraModule module)
    {
        var place = LoraPlace.Of(module);
        var types = module.Parts.Where(part => part.Key is not (LoraRole.Alpha or LoraRole.OnInput)).CountBy(part => part.Value.Type).OrderByDescending(type => type.Value);
        return new(place?.Canonical ?? module.Name, place?.Network ?? module.Network, module.KindName, module.Rank, module.Alpha, [.. types.Select(type => type.Key.Name())]);
    }
}
