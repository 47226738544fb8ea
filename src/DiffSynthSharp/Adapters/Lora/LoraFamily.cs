namespace DiffSynthSharp.Adapters.Lora;

/// <summary>Which family of models an adapter is for, as far as its names and shapes tell.</summary>
internal static class LoraFamily
{
    private const long WidthOfFlux = 3072, WidthOfSd3Medium = 1536, WidthOfSd35Large = 2432;

    // Blocks of two streams have the same names in FLUX.1 and in Stable Diffusion 3 where diffusers or DiffSynth-Studio named them: widths tell them apart.
    private static readonly (string Family, Predicate<LoraModule> Sign)[] s_signs =
    [
        ("FLUX.1", module => Has(module, "double_blocks") || Has(module, "single_blocks") || Has(module, "single_transformer_blocks")),
        ("Stable Diffusion 3", module => Has(module, "joint_blocks")),
        ("FLUX.1", module => IsOfTwoStreams(module) && InputWidth(module) == WidthOfFlux),
        ("Stable Diffusion 3", module => Has(module, "context_embedder") || Has(module, "add_q_proj") || Has(module, ".a_to_qkv") || IsOfTwoStreams(module) && InputWidth(module) is WidthOfSd3Medium or WidthOfSd35Large),
        ("Hunyuan-DiT", module => Has(module, "default_modulation") || Has(module, "Wqkv")),
        ("SDXL", module => IsDeep(module) || TextWidth(module) == 2048 || module.Network == "text_encoder_2"),
        ("Stable Diffusion 2", module => TextWidth(module) == 1024),
        ("Stable Diffusion 1.x", module => TextWidth(module) == 768),
    ];

    /// <summary>The family, or null when nothing tells.</summary>
    public static string? Guess(IReadOnlyCollection<LoraModule> modules)
        => s_signs.Where(row => modules.Any(module => row.Sign(module))).Select(row => row.Family).FirstOrDefault();

    private static bool Has(LoraModule module, string word) => module.Name.Contains(word, StringComparison.Ordinal);

    private static bool IsOfTwoStreams(LoraModule module)
        => module.Canonical.StartsWith("transformer_blocks.", StringComparison.Ordinal) || Has(module, ".attn.a_") || Has(module, ".attn.b_") || Has(module, ".ff_a.") || Has(module, ".ff_b.");

    // Transformers of Stable Diffusion 1.x and 2 have one block each.
    private static bool IsDeep(LoraModule module)
        => module.Canonical.Contains(".transformer_blocks.", StringComparison.Ordinal) && !module.Canonical.Contains(".transformer_blocks.0.", StringComparison.Ordinal);

    private static long? TextWidth(LoraModule module) => module.Canonical.EndsWith(".attn2.to_k", StringComparison.Ordinal) ? InputWidth(module) : null;

    private static long? InputWidth(LoraModule module) => module.Kind == LoraKind.LowRank ? module.Find(LoraRole.Down)?.Shape.ElementAtOrDefault(1) : null;
}
