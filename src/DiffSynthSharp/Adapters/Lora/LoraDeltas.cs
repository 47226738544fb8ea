using DiffSynthSharp.Adapters.Lora.Deltas;
using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>Makes what a layer carries from what an adapter file says about it.</summary>
/// <remarks>Factors stay as the file stores them, over the mapped file where that is possible.</remarks>
internal sealed class LoraDeltas(LoraFile file, LoraModule module, Func<string, long[]?> shapeOf, Device device)
{
    /// <summary>Why the module doesn't fit the layer, as (expected, found), or null when it does.</summary>
    public (string Expected, string Found)? Mismatch()
    {
        var weight = shapeOf("weight") ?? throw new InvalidOperationException("A layer without a weight carries no adapter.");
        if (LoraShapes.TargetOf(module) is { } target && !LoraShapes.Fits(target, weight)) return (Text(weight), Text(target));
        if (module.Find(LoraRole.Diff) is { Shape: var whole } && !LoraShapes.Fits(whole, weight)) return (Text(weight), Text(whole)); // beside factors
        if (module.Find(LoraRole.Scaling) is { } scaling && (weight.Length < 2 || scaling.Elements != weight[0] && scaling.Elements != weight[1])) return (Text(weight), scaling.ShapeText);
        if (module.Find(LoraRole.DiffBias) is { } bias && !(shapeOf("bias") is { } own && own.SequenceEqual(bias.Shape)))
            return ($"bias {(shapeOf("bias") is { } shape ? Text(shape) : "none")}", $"bias {bias.ShapeText}");
        if ((module.Find(LoraRole.Magnitude) ?? module.Find(LoraRole.RowMagnitude)) is { } lengths && lengths.Elements != weight[IsPerInput(weight) ? 1 : 0])
            return ($"{weight[0]} lengths", lengths.ShapeText);
        return null;
    }

    /// <summary>Whether the module changes nothing at this scale.</summary>
    /// <exception cref="DiffSynthException">A value is no finite number.</exception>
    public bool IsZero(double scale)
    {
        var zero = scale == 0 || module.Factor == 0 && !module.IsWeightDecomposed;
        var (any, all) = (false, true);
        foreach (var (role, entry) in module.Parts)
        {
            if (role is LoraRole.Alpha or LoraRole.OnInput) continue;
            using var scope = NewDisposeScope();
            var largest = file.Read(module, role).to(ScalarType.Float32).abs().max().item<float>();
            if (!float.IsFinite(largest)) throw new DiffSynthException($"'{file.Path}' is no valid adapter: '{entry.Name}' holds values that are no finite numbers.");
            (any, all) = (any || largest == 0, all && largest == 0);
        }
        return zero || (module.IsWeightDecomposed ? false : module.Kind == LoraKind.Full ? all : any && !module.Has(LoraRole.DiffBias));
    }

    /// <summary>The deltas of the module, which the caller owns.</summary>
    /// <param name="scale">The user's scale.</param>
    /// <param name="ignoreAlpha">Takes alpha for the rank, as DiffSynth-Studio does.</param>
    public IEnumerable<LeafDelta> Create(double scale, bool ignoreAlpha)
    {
        var weight = shapeOf("weight")!;
        var factor = ignoreAlpha ? 1 : module.Factor;
        if (module.IsWeightDecomposed)
        {
            var lengths = module.Has(LoraRole.Magnitude) ? LoraRole.Magnitude : LoraRole.RowMagnitude;
            yield return new MagnitudeDelta(Main(factor, weight)!, Read(lengths), IsPerInput(weight), scale);
        }
        else if (Main(factor * scale, weight) is { } main) yield return main;
        if (module.Kind == LoraKind.Scaling) yield return new ScalingDelta(Read(LoraRole.Scaling), IsOnInput(), scale);
        if (module.Has(LoraRole.Diff)) yield return new FullDelta("weight", Read(LoraRole.Diff), scale);
        if (module.Has(LoraRole.DiffBias)) yield return new FullDelta("bias", Read(LoraRole.DiffBias), scale);
    }

    private LeafDelta? Main(double factor, long[] weight) => module.Kind switch
    {
        LoraKind.LowRank => new LowRankDelta(Shaped(Read(LoraRole.Down), weight), Optional(LoraRole.Mid), Read(LoraRole.Up), factor),
        LoraKind.Hadamard => new HadamardDelta(
            Product(null, LoraRole.Hada1A, LoraRole.Hada1B, LoraRole.HadaCore1), Product(null, LoraRole.Hada2A, LoraRole.Hada2B, LoraRole.HadaCore2), factor),
        LoraKind.Kronecker => new KroneckerDelta(
            Product(LoraRole.Kron1, LoraRole.Kron1A, LoraRole.Kron1B, null), Product(LoraRole.Kron2, LoraRole.Kron2A, LoraRole.Kron2B, LoraRole.KronCore), factor),
        _ => null,
    };

    private FactorProduct Product(LoraRole? whole, LoraRole left, LoraRole right, LoraRole? core)
        => whole is { } role && module.Has(role) ? new FactorProduct(Read(role)) : new FactorProduct(Read(left), Read(right), core is { } at ? Optional(at) : null);

    // A flattened kernel gets its sides back; a core brings its own.
    private Tensor Shaped(Tensor down, long[] weight)
    {
        if (weight.Length != 4 || module.Has(LoraRole.Mid) || down.shape is [_, _, _, _]) return down;
        using (down) return down.reshape(down.shape[0], weight[1], weight[2], weight[3]).DetachFromDisposeScope();
    }

    private bool IsPerInput(long[] weight)
        => module.Find(LoraRole.Magnitude) is { Shape: [1, var inputs, ..] } && weight.Length > 1 && inputs == weight[1];

    private bool IsOnInput()
    {
        using var scope = NewDisposeScope();
        return file.Read(module, LoraRole.OnInput).ne(0).any().item<bool>();
    }

    private Tensor? Optional(LoraRole role) => module.Has(role) ? Read(role) : null;

    private Tensor Read(LoraRole role)
    {
        var stored = file.Read(module, role);
        if (device.type == TorchSharp.DeviceType.CPU) return stored.DetachFromDisposeScope();
        using (stored) return stored.to(device).DetachFromDisposeScope();
    }

    private static string Text(long[] shape) => $"[{string.Join(", ", shape)}]";
}
