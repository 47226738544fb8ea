using System.Text.RegularExpressions;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>A tensor name of an adapter file, taken apart.</summary>
/// <param name="Module">The module as the file spells it, with its network's prefix.</param>
/// <param name="Role">What the tensor is to the module.</param>
/// <param name="Layout">Whose way of naming it is.</param>
/// <remarks>Names: kohya-ss/sd-scripts networks/lora.py; KohakuBlueleaf/LyCORIS lycoris/modules; huggingface/peft; huggingface/diffusers
/// loaders (<c>to_q_lora</c>, <c>lora_linear_layer</c>); modelscope/DiffSynth-Studio diffsynth/trainers.</remarks>
internal readonly partial record struct LoraKey(string Module, LoraRole Role, LoraLayout Layout)
{
    private static readonly (string Suffix, LoraRole Role, LoraLayout Layout)[] s_suffixes =
    [
        (".lora_down.weight", LoraRole.Down, LoraLayout.Kohya),
        (".lora_up.weight", LoraRole.Up, LoraLayout.Kohya),
        (".lora_mid.weight", LoraRole.Mid, LoraLayout.Kohya),
        (".alpha", LoraRole.Alpha, LoraLayout.Kohya),
        (".dora_scale", LoraRole.Magnitude, LoraLayout.Kohya),
        (".hada_w1_a", LoraRole.Hada1A, LoraLayout.Kohya),
        (".hada_w1_b", LoraRole.Hada1B, LoraLayout.Kohya),
        (".hada_w2_a", LoraRole.Hada2A, LoraLayout.Kohya),
        (".hada_w2_b", LoraRole.Hada2B, LoraLayout.Kohya),
        (".hada_t1", LoraRole.HadaCore1, LoraLayout.Kohya),
        (".hada_t2", LoraRole.HadaCore2, LoraLayout.Kohya),
        (".lokr_w1", LoraRole.Kron1, LoraLayout.Kohya),
        (".lokr_w1_a", LoraRole.Kron1A, LoraLayout.Kohya),
        (".lokr_w1_b", LoraRole.Kron1B, LoraLayout.Kohya),
        (".lokr_w2", LoraRole.Kron2, LoraLayout.Kohya),
        (".lokr_w2_a", LoraRole.Kron2A, LoraLayout.Kohya),
        (".lokr_w2_b", LoraRole.Kron2B, LoraLayout.Kohya),
        (".lokr_t2", LoraRole.KronCore, LoraLayout.Kohya),
        (".on_input", LoraRole.OnInput, LoraLayout.Kohya),
        (".diff", LoraRole.Diff, LoraLayout.Kohya),
        (".diff_b", LoraRole.DiffBias, LoraLayout.Kohya),
        (".w_norm", LoraRole.Diff, LoraLayout.Kohya),
        (".b_norm", LoraRole.DiffBias, LoraLayout.Kohya),
        (".lora.down.weight", LoraRole.Down, LoraLayout.Diffusers),
        (".lora.up.weight", LoraRole.Up, LoraLayout.Diffusers),
        (".lora_linear_layer.down.weight", LoraRole.Down, LoraLayout.Diffusers),
        (".lora_linear_layer.up.weight", LoraRole.Up, LoraLayout.Diffusers),
    ];

    /// <summary>What follows a module's name in kohya's files.</summary>
    public static string Suffix(LoraRole role) => role == LoraRole.Scaling ? ".weight" : s_suffixes.First(row => row.Role == role && row.Layout == LoraLayout.Kohya).Suffix;

    /// <summary>Takes a name apart.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="exists">Whether the file has a tensor of a name; tells IA³'s <c>.weight</c> from any other.</param>
    /// <returns>Null when it is no tensor of an adapter.</returns>
    public static LoraKey? Parse(string name, Func<string, bool> exists)
    {
        foreach (var (suffix, role, layout) in s_suffixes)
            if (name.Length > suffix.Length && name.EndsWith(suffix, StringComparison.Ordinal)) return new(name[..^suffix.Length], role, layout);
        if (PeftFactor().Match(name) is { Success: true } factor)
            return new(name[..factor.Index], factor.Groups[1].Value == "A" ? LoraRole.Down : LoraRole.Up, PeftLayout(name[..factor.Index], factor));
        if (PeftMagnitude().Match(name) is { Success: true } magnitude) return new(name[..magnitude.Index], LoraRole.RowMagnitude, LoraLayout.Peft);
        if (Processor().Match(name) is { Success: true } processor)
            return new(OfProcessor(name[..processor.Index], processor.Groups[1].Value), processor.Groups[2].Value == "down" ? LoraRole.Down : LoraRole.Up, LoraLayout.Diffusers);
        return name.EndsWith(".weight", StringComparison.Ordinal) && exists($"{name[..^".weight".Length]}.on_input")
            ? new(name[..^".weight".Length], LoraRole.Scaling, LoraLayout.Kohya) : null;
    }

    // PEFT keeps the adapter's name in memory only; DiffSynth's trainer writes it out, with module names of its own.
    private static LoraLayout PeftLayout(string module, Match factor)
        => factor.Groups[2].Success && !module.StartsWith("base_model.", StringComparison.Ordinal) ? LoraLayout.DiffSynth : LoraLayout.Peft;

    // diffusers' attention processors call an output projection to_out, and a text encoder's projections to_q too.
    private static string OfProcessor(string module, string projection)
    {
        if (module.EndsWith(".self_attn", StringComparison.Ordinal)) return $"{module}.{projection[3..]}_proj";
        if (module.EndsWith(".processor", StringComparison.Ordinal)) module = module[..^".processor".Length];
        return $"{module}.{(projection == "to_out" ? "to_out.0" : projection)}";
    }

    [GeneratedRegex(@"\.lora_([AB])(\.[^.]+)?\.weight$")]
    private static partial Regex PeftFactor();

    [GeneratedRegex(@"\.lora_magnitude_vector(\.[^.]+){0,2}$")]
    private static partial Regex PeftMagnitude();

    [GeneratedRegex(@"\.(to_q|to_k|to_v|to_out)_lora\.(down|up)\.weight$")]
    private static partial Regex Processor();
}
