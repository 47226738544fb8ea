namespace DiffSynthSharp.Adapters.Lora;

/// <summary>What a layout has no place for.</summary>
internal static class LoraRefusal
{
    /// <summary>What users call a layout.</summary>
    public static string NameOf(LoraLayout layout) => layout switch
    {
        LoraLayout.Kohya => "kohya",
        LoraLayout.Peft => "peft",
        LoraLayout.Diffusers => "diffusers",
        _ => "diffsynth",
    };

    /// <summary>Why a layout can't hold a complete module, with what to do, or null when it can.</summary>
    /// <param name="module">The module.</param>
    /// <param name="place">The layer it is for.</param>
    /// <param name="layout">The layout to write.</param>
    public static string? Of(LoraModule module, LoraPlace place, LoraLayout layout)
    {
        if (layout == LoraLayout.Kohya) return null;
        const string elsewhere = "Write it with --to kohya, or merge it into a model.";
        var name = NameOf(layout);
        if (module.Kind != LoraKind.LowRank) return $"is {Article(module.KindName)}, which {name} has no place for. {elsewhere}";
        if (module.Has(LoraRole.Mid)) return $"has a Tucker core, which {name} has no place for. {elsewhere}";
        if (module.Has(LoraRole.Diff) || module.Has(LoraRole.DiffBias)) return $"also changes its {(module.Has(LoraRole.DiffBias) ? "bias" : "whole weight")}, which {name} has no place for. {elsewhere}";
        if (module.IsWeightDecomposed && layout != LoraLayout.Peft) return $"is a DoRA, which {name} has no place for. Write it with --to peft or --to kohya, or merge it into a model.";
        if (IsPerInput(module)) return $"is a DoRA with lengths of columns; peft has lengths of rows only. {elsewhere}";
        if (layout != LoraLayout.DiffSynth) return null;
        if (place.IsText) return "is a text encoder's; DiffSynth-Studio loads the denoiser's only. Write it with --to kohya, --to peft or --to diffusers.";
        return module[LoraRole.Down].Shape is [_, _, .. var kernel] && kernel.Any(side => side != 1)
            ? "is for a convolution with a larger kernel, which DiffSynth-Studio can't load. Write it with --to kohya, --to peft or --to diffusers." : null;
    }

    private static bool IsPerInput(LoraModule module)
        => module.Find(LoraRole.Magnitude) is { Shape: [1, var count, ..] } && LoraShapes.TargetOf(module) is [not 1, var inputs, ..] && count == inputs;

    private static string Article(string kind) => kind switch
    {
        "IA3" => "an IA³",
        "full" => "a full difference",
        _ => $"a {kind}",
    };
}
