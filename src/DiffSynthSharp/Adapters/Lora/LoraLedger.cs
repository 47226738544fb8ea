namespace DiffSynthSharp;

/// <summary>A module of an adapter that found its layer.</summary>
/// <param name="Module">diffusers' name of the layer.</param>
/// <param name="Network">The network it is in: "unet", "text_encoder" …</param>
/// <param name="Kind">LoRA, LoCon, DoRA, LoHa, LoKr, IA3 or full.</param>
/// <param name="Rank">Rows of its thin factor; null for kinds without one.</param>
/// <param name="Alpha">The file's alpha; null when it has none.</param>
public sealed record LoraMatch(string Module, string Network, string Kind, long? Rank, double? Alpha);

/// <summary>A module of an adapter whose layer has another shape.</summary>
/// <param name="Module">diffusers' name of the layer.</param>
/// <param name="Network">The network it is in.</param>
/// <param name="Expected">What the layer's shape is.</param>
/// <param name="Found">The shape that the adapter is for.</param>
/// <param name="Keys">The module's tensors in the file.</param>
public sealed record LoraMismatch(string Module, string Network, string Expected, string Found, IReadOnlyList<string> Keys);

/// <summary>What became of every tensor of an adapter file.</summary>
/// <param name="Path">The file.</param>
/// <param name="Layout">How its tensors are named.</param>
/// <param name="Scale">What the user asked for.</param>
/// <param name="Modules">Modules in the file.</param>
public sealed record LoraLedger(string Path, LoraLayout Layout, double Scale, int Modules)
{
    /// <summary>Modules that are in effect, and those of <see cref="ZeroEffect"/>.</summary>
    public IReadOnlyList<LoraMatch> Matched { get; init; } = [];

    /// <summary>Tensors that name no layer of this model.</summary>
    public IReadOnlyList<string> UnmatchedKeys { get; init; } = [];

    /// <summary>Modules whose layer has another shape.</summary>
    public IReadOnlyList<LoraMismatch> WrongShape { get; init; } = [];

    /// <summary>Tensors whose partner is missing.</summary>
    public IReadOnlyList<string> IncompleteKeys { get; init; } = [];

    /// <summary>Matched modules that change nothing, because a factor, alpha or the scale is zero.</summary>
    public IReadOnlyList<string> ZeroEffect { get; init; } = [];

    /// <summary>The family that the names speak for, when they do.</summary>
    public string? LooksLike { get; init; }

    /// <summary>Whether every tensor found its place.</summary>
    public bool IsComplete => UnmatchedKeys.Count == 0 && WrongShape.Count == 0 && IncompleteKeys.Count == 0;

    /// <summary>One line for the user.</summary>
    public string Summary
    {
        get
        {
            var networks = string.Join(", ", Matched.CountBy(match => match.Network).OrderByDescending(network => network.Value).Select(network => $"{network.Key} {network.Value}"));
            string?[] rest =
            [
                UnmatchedKeys.Count == 0 ? null : $"{UnmatchedKeys.Count} tensors match no layer, such as '{Weights.OneLine.Of(UnmatchedKeys[0])}'",
                WrongShape.Count == 0 ? null : $"{WrongShape.Count} of another shape, such as '{WrongShape[0].Module}': the layer is {WrongShape[0].Expected}, the adapter for {WrongShape[0].Found}",
                IncompleteKeys.Count == 0 ? null : $"{IncompleteKeys.Count} tensors lack their partner, such as '{Weights.OneLine.Of(IncompleteKeys[0])}'",
                ZeroEffect.Count == 0 ? null : $"{ZeroEffect.Count} change nothing",
                LooksLike is null || IsComplete ? null : $"it looks like one for {LooksLike}",
            ];
            var matched = $"{Matched.Count} of {Modules} modules in use{(networks.Length > 0 ? $" ({networks})" : "")}";
            return $"LoRA {System.IO.Path.GetFileName(Path)} × {Scale:0.###}: {string.Join("; ", rest.OfType<string>().Prepend(matched))}.";
        }
    }
}
