using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>Shapes of an adapter's tensors: whether they go together, and which weight they are for.</summary>
internal static class LoraShapes
{
    private const int MaxRank = 6;

    /// <summary>Why a complete module's tensors can't be combined, or null when they can.</summary>
    public static string? Fault(LoraModule module)
    {
        foreach (var (role, entry) in module.Parts)
        {
            if (entry.Shape.Length > MaxRank || entry.Elements == 0) return $"'{OneLine.Of(entry.Name)}' has the shape {entry.ShapeText}";
            if (role != LoraRole.OnInput && !entry.Type.IsFloat()) return $"'{OneLine.Of(entry.Name)}' holds {entry.Type.Name()} values instead of fractions";
        }
        return module.Kind switch
        {
            LoraKind.LowRank => LowRank(module),
            LoraKind.Hadamard => Products(module, LoraRole.Hada1A, LoraRole.Hada1B, LoraRole.HadaCore1) ?? Products(module, LoraRole.Hada2A, LoraRole.Hada2B, LoraRole.HadaCore2)
                ?? (TargetOf(module)!.SequenceEqual(Product(module, LoraRole.Hada2A, LoraRole.Hada2B, LoraRole.HadaCore2)) ? null : "its two products have different shapes"),
            LoraKind.Kronecker => Kronecker(module),
            _ => null,
        };
    }

    /// <summary>The shape of the weight that a complete, faultless module changes; null when it changes a bias only.</summary>
    public static long[]? TargetOf(LoraModule module) => module.Kind switch
    {
        LoraKind.LowRank => [module[LoraRole.Up].Shape[0], .. module[LoraRole.Down].Shape[1..2], .. (module.Find(LoraRole.Mid) ?? module[LoraRole.Down]).Shape[2..]],
        LoraKind.Hadamard => Product(module, LoraRole.Hada1A, LoraRole.Hada1B, LoraRole.HadaCore1),
        LoraKind.Kronecker => KroneckerTarget(module),
        _ => module.Find(LoraRole.Diff)?.Shape,
    };

    /// <summary>Whether an adapter for one shape fits a weight: trailing ones don't matter, and a kernel may be flattened into the inputs.</summary>
    public static bool Fits(long[] target, long[] weight)
    {
        ReadOnlySpan<long> ours = weight.AsSpan().TrimEnd(1), theirs = target.AsSpan().TrimEnd(1);
        return ours.SequenceEqual(theirs) || (target.Length == 2 && weight.Length == 4 && target[0] == weight[0] && target[1] == weight[1] * weight[2] * weight[3]);
    }

    private static string? LowRank(LoraModule module)
    {
        long[] down = module[LoraRole.Down].Shape, up = module[LoraRole.Up].Shape;
        if (down.Length is not (2 or 4) || up.Length is not (2 or 4)) return $"its factors have the shapes {Text(down)} and {Text(up)}";
        if (up.Length == 4 && (up[2] != 1 || up[3] != 1)) return $"its up factor has the shape {Text(up)}, expected a kernel of one cell";
        if (module.Find(LoraRole.Mid) is not { Shape: var mid }) return up[1] == down[0] ? null : Ranks(down, up);
        return mid.Length == 4 && mid[0] == up[1] && mid[1] == down[0] && down.AsSpan(2).IndexOfAnyExcept(1) < 0
            ? null : $"its factors have the shapes {Text(down)}, {Text(mid)} and {Text(up)}, which don't multiply";
    }

    private static string Ranks(long[] down, long[] up) => $"its down factor {Text(down)} has rank {down[0]}, but its up factor {Text(up)} has rank {up[1]}";

    private static string? Products(LoraModule module, LoraRole left, LoraRole right, LoraRole core)
    {
        long[] a = module[left].Shape, b = module[right].Shape;
        if (a.Length != 2 || b.Length != 2) return $"its factors have the shapes {Text(a)} and {Text(b)}";
        if (module.Find(core) is not { Shape: var t }) return a[1] == b[0] ? null : $"its factors {Text(a)} and {Text(b)} don't multiply";
        return t.Length == 4 && t[0] == a[0] && t[1] == b[0] ? null : $"its factors {Text(a)} and {Text(b)} don't fit their core {Text(t)}";
    }

    private static string? Kronecker(LoraModule module)
    {
        if (module.Has(LoraRole.Kron1A) && Products(module, LoraRole.Kron1A, LoraRole.Kron1B, LoraRole.Mid) is { } first) return first;
        if (module.Has(LoraRole.Kron2A) && Products(module, LoraRole.Kron2A, LoraRole.Kron2B, LoraRole.KronCore) is { } second) return second;
        long[] left = Factor1(module), right = Factor2(module);
        if (left.Length != 2 || right.Length is not (2 or 4)) return $"its factors have the shapes {Text(left)} and {Text(right)}";
        return (Int128)left[0] * right[0] > long.MaxValue || (Int128)left[1] * right[1] > long.MaxValue ? $"its factors {Text(left)} and {Text(right)} are larger than any weight" : null;
    }

    private static long[] KroneckerTarget(LoraModule module)
    {
        long[] left = Factor1(module), right = Factor2(module);
        return [left[0] * right[0], left[1] * right[1], .. right[2..]];
    }

    private static long[] Factor1(LoraModule module)
        => module.Find(LoraRole.Kron1)?.Shape ?? Product(module, LoraRole.Kron1A, LoraRole.Kron1B, LoraRole.Mid);

    private static long[] Factor2(LoraModule module)
        => module.Find(LoraRole.Kron2)?.Shape ?? Product(module, LoraRole.Kron2A, LoraRole.Kron2B, LoraRole.KronCore);

    private static long[] Product(LoraModule module, LoraRole left, LoraRole right, LoraRole core)
    {
        long[] a = module[left].Shape, b = module[right].Shape;
        return module.Find(core) is { Shape: var t } ? [a[1], b[1], .. t[2..]] : [a[0], b[1]];
    }

    private static string Text(long[] shape) => $"[{string.Join(", ", shape)}]";
}
