using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>What an adapter file says about one module of a network: checked to be consistent, nothing read but its alpha.</summary>
internal sealed class LoraModule
{
    private readonly IReadOnlyDictionary<LoraRole, TensorEntry> _parts;

    /// <param name="spelled">The module as the file spells it.</param>
    /// <param name="layout">Whose way of naming it is.</param>
    /// <param name="parts">Its tensors.</param>
    public LoraModule(string spelled, LoraLayout layout, IReadOnlyDictionary<LoraRole, TensorEntry> parts)
    {
        (Layout, _parts) = (layout, parts);
        (Network, Name) = LoraNames.Split(spelled);
        Canonical = LoraNames.Canonical(Name, layout);
        Kind = parts.ContainsKey(LoraRole.Down) || parts.ContainsKey(LoraRole.Up) || parts.ContainsKey(LoraRole.Mid) ? LoraKind.LowRank
            : parts.Keys.Any(role => role is >= LoraRole.Hada1A and <= LoraRole.HadaCore2) ? LoraKind.Hadamard
            : parts.Keys.Any(role => role is >= LoraRole.Kron1 and <= LoraRole.KronCore) ? LoraKind.Kronecker
            : parts.ContainsKey(LoraRole.Scaling) || parts.ContainsKey(LoraRole.OnInput) ? LoraKind.Scaling
            : LoraKind.Full;
    }

    /// <summary>The same module with its alpha.</summary>
    public LoraModule(LoraModule module, double alpha, bool isRankStabilized)
    {
        (Network, Name, Canonical, Layout, Kind, _parts) = (module.Network, module.Name, module.Canonical, module.Layout, module.Kind, module._parts);
        (Alpha, IsRankStabilized) = (alpha, isRankStabilized);
    }

    /// <summary>The network that the file names: "unet" (any denoiser), "text_encoder" …; null when it names none.</summary>
    public string? Network { get; }

    /// <summary>The module inside its network as the file spells it.</summary>
    public string Name { get; }

    /// <summary>What diffusers calls it, as far as that can be told without the network.</summary>
    public string Canonical { get; }

    public LoraLayout Layout { get; }

    public LoraKind Kind { get; }

    /// <summary>The file's alpha, or what its header says; null means that the change isn't scaled.</summary>
    public double? Alpha { get; }

    /// <summary>Whether the header asks for alpha / √rank.</summary>
    public bool IsRankStabilized { get; }

    public bool IsWeightDecomposed => Has(LoraRole.Magnitude) || Has(LoraRole.RowMagnitude);

    /// <summary>Every tensor of the module.</summary>
    public IEnumerable<KeyValuePair<LoraRole, TensorEntry>> Parts => _parts;

    /// <summary>The names of its tensors in the file.</summary>
    public IEnumerable<string> Keys => _parts.Values.Select(entry => entry.Name);

    public bool Has(LoraRole role) => _parts.ContainsKey(role);

    public TensorEntry? Find(LoraRole role) => _parts.GetValueOrDefault(role);

    public TensorEntry this[LoraRole role] => _parts[role];

    /// <summary>Whether no tensor lacks its partner.</summary>
    /// <remarks>Lengths (DoRA) go with a change of directions, which only products of factors are.</remarks>
    public bool IsComplete => (!IsWeightDecomposed || Kind is LoraKind.LowRank or LoraKind.Hadamard or LoraKind.Kronecker) && Kind switch
    {
        LoraKind.LowRank => Has(LoraRole.Down) && Has(LoraRole.Up),
        LoraKind.Hadamard => Has(LoraRole.Hada1A) && Has(LoraRole.Hada1B) && Has(LoraRole.Hada2A) && Has(LoraRole.Hada2B) && Has(LoraRole.HadaCore1) == Has(LoraRole.HadaCore2),
        LoraKind.Kronecker => HasFactor(LoraRole.Kron1, LoraRole.Kron1A, LoraRole.Kron1B) && HasFactor(LoraRole.Kron2, LoraRole.Kron2A, LoraRole.Kron2B),
        LoraKind.Scaling => Has(LoraRole.Scaling) && Has(LoraRole.OnInput),
        _ => Has(LoraRole.Diff) || Has(LoraRole.DiffBias),
    };

    /// <summary>Rows of the thin factor, or null for kinds without one.</summary>
    public long? Rank => Kind switch
    {
        LoraKind.LowRank => Rows(LoraRole.Down),
        LoraKind.Hadamard => Rows(LoraRole.Hada1B),
        LoraKind.Kronecker => Rows(LoraRole.Kron1B) ?? Rows(LoraRole.Kron2B),
        _ => null,
    };

    /// <summary>What the change is multiplied with besides the user's scale.</summary>
    public double Factor => Alpha is { } alpha && Rank is { } rank ? alpha / (IsRankStabilized ? Math.Sqrt(rank) : rank) : 1;

    /// <summary>As people say it, such as <c>LoRA</c>, <c>DoRA</c>, <c>LoKr</c>.</summary>
    public string KindName => Kind switch
    {
        LoraKind.LowRank => IsWeightDecomposed ? "DoRA" : this[LoraRole.Down].Shape is [_, _, > 1, ..] || Has(LoraRole.Mid) ? "LoCon" : "LoRA",
        LoraKind.Hadamard => "LoHa",
        LoraKind.Kronecker => "LoKr",
        LoraKind.Scaling => "IA3",
        _ => "full",
    };

    // A module that lacks a part was not checked, and its factor may be a single number.
    private long? Rows(LoraRole role) => Find(role)?.Shape is [var rows, ..] ? rows : null;

    private bool HasFactor(LoraRole whole, LoraRole left, LoraRole right) => Has(whole) ? !Has(left) && !Has(right) : Has(left) && Has(right);
}
