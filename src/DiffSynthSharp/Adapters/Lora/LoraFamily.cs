namespace DiffSynthSharp.Adapters.Lora;

/// <summary>Which family of models an adapter is for, as far as its names and shapes tell.</summary>
internal static class LoraFamily
{
    private static readonly (string Family, Predicate<LoraModule> Sign)[] s_signs =
    [
        ("FLUX.1", module => Has(module, "double_blocks") || Has(module, "single_blocks") || Has(module, "single_transformer_blocks")),
        ("Stable Diffusion 3", module => Has(module, "joint_blocks") || Has(module, "context_embedder") || module.Canonical.EndsWith(".attn.add_q_proj", StringComparison.Ordinal)),
        ("Hunyuan-DiT", module => Has(module, "default_modulation") || module.Name.Contains("Wqkv", StringComparison.Ordinal)),
        ("SDXL", module => module.Canonical.Contains("transformer_blocks.2.", StringComparison.Ordinal) || TextWidth(module) == 2048),
        ("Stable Diffusion 2", module => TextWidth(module) == 1024),
        ("Stable Diffusion 1.x", module => TextWidth(module) == 768),
    ];

    /// <summary>The family, or null when nothing tells.</summary>
    public static string? Guess(IReadOnlyCollection<LoraModule> modules)
        => Tell(modules) ?? (modules.Any(module => module.Network == "text_encoder_2") ? "SDXL" : null);

    /// <summary>The family by the denoiser's own names and shapes, of which a stray module of a second text encoder says nothing; null when they don't tell.</summary>
    public static string? Tell(IReadOnlyCollection<LoraModule> modules)
        => s_signs.Where(row => modules.Any(module => row.Sign(module))).Select(row => row.Family).FirstOrDefault();

    private static bool Has(LoraModule module, string word) => module.Name.Contains(word, StringComparison.Ordinal);

    private static long? TextWidth(LoraModule module)
        => module.Canonical.EndsWith(".attn2.to_k", StringComparison.Ordinal) && module.Kind == LoraKind.LowRank ? module.Find(LoraRole.Down)?.Shape.ElementAtOrDefault(1) : null;
}
