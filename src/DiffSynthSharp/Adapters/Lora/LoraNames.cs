using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>Module names of adapter files: which network they speak of, and what diffusers calls the module.</summary>
internal static class LoraNames
{
    /// <summary>The denoiser's name in files, whether it is a U-Net or a transformer.</summary>
    public const string Denoiser = "unet";

    /// <summary>The first text encoder's name in files.</summary>
    public const string TextEncoder = "text_encoder";

    private static readonly (string Prefix, string? Network)[] s_underscored =
    [
        ("lora_unet_", Denoiser),
        ("lora_transformer_", Denoiser),
        ("lora_te_", TextEncoder),
        ("lora_te1_", TextEncoder),
        ("lora_te2_", "text_encoder_2"),
        ("lora_te3_", "text_encoder_3"),
        ("lycoris_", null),
    ];

    private static readonly (string Prefix, string? Network)[] s_dotted =
    [
        ("unet.", Denoiser),
        ("transformer.", Denoiser),
        ("model.diffusion_model.", Denoiser),
        ("diffusion_model.", Denoiser),
        ("text_encoder.", TextEncoder),
        ("text_encoder_2.", "text_encoder_2"),
        ("text_encoder_3.", "text_encoder_3"),
    ];

    // Words that hold underscores themselves; every other underscore of a kohya name stands for a dot.
    private static readonly Dictionary<string, string[][]> s_words = new[]
    {
        "down_blocks", "up_blocks", "mid_block", "transformer_blocks", "time_embedding", "linear_1", "linear_2", "add_embedding", "time_emb_proj",
        "conv_in", "conv_out", "conv_norm_out", "conv_shortcut", "proj_in", "proj_out", "to_q", "to_k", "to_v", "to_out",
        "input_blocks", "middle_block", "output_blocks", "in_layers", "out_layers", "emb_layers", "skip_connection", "time_embed", "label_emb",
        "text_model", "self_attn", "q_proj", "k_proj", "v_proj", "out_proj", "layer_norm1", "layer_norm2", "final_layer_norm", "token_embedding",
        "position_embedding", "text_projection",
        "double_blocks", "single_blocks", "img_attn", "img_mlp", "img_mod", "txt_attn", "txt_mlp", "txt_mod", "single_transformer_blocks", "joint_blocks",
    }.Select(word => word.Split('_')).GroupBy(word => word[0]).ToDictionary(group => group.Key, group => group.OrderByDescending(word => word.Length).ToArray());

    private static readonly string[] s_ldmRoots = ["input_blocks", "middle_block", "output_blocks", "time_embed", "out"];

    // Sizes that name no module (widths) don't matter here; depth is generous, so that SDXL's deeper transformers are named too.
    private static readonly UNetConfig s_published = new(4, 4, [new(320, 10), new(640, 10), new(1280, 10), new(1280, 0)], 2, 768, MiddleDepth: 10);
    private static readonly Lazy<KeyMap> s_diffusers = new(() => UNetKeys.Diffusers(s_published));
    private static readonly Lazy<KeyMap> s_sdxl = new(() => UNetKeys.Diffusers(new UNetConfig(4, 4, [new(320, 0), new(640, 2), new(1280, 10)], 2, 2048, MiddleDepth: 10)));
    private static readonly Lazy<KeyMap> s_diffSynth = new(() => UNetKeys.DiffSynth(s_published));

    /// <summary>Splits off what says which network a module belongs to.</summary>
    /// <param name="module">A module name as a file spells it.</param>
    /// <returns>The network (null: any), and the module's name inside it, underscored when <paramref name="module"/> is.</returns>
    public static (string? Network, string Name) Split(string module)
    {
        const string wrapper = "base_model.model.";
        if (module.StartsWith(wrapper, StringComparison.Ordinal)) module = module[wrapper.Length..];
        foreach (var (prefix, network) in module.Contains('.') ? s_dotted : s_underscored)
            if (module.StartsWith(prefix, StringComparison.Ordinal)) return (network, module[prefix.Length..]);
        return (module.StartsWith("text_model.", StringComparison.Ordinal) ? TextEncoder : null, module);
    }

    /// <summary>A name's dots as underscores, as kohya's files have it.</summary>
    public static string Underscored(string name) => name.Replace('.', '_');

    /// <summary>What diffusers calls a module of a network of published depth.</summary>
    /// <param name="name">The module inside its network: underscored, or dotted in diffusers', the author's or DiffSynth's names.</param>
    /// <param name="layout">Whose way of naming it is.</param>
    public static string Canonical(string name, LoraLayout layout)
    {
        var dotted = name.Contains('.') ? name : Dotted(name);
        var root = dotted.Split('.', 2)[0];
        if (layout == LoraLayout.DiffSynth && s_diffSynth.Value.TryToOurs(dotted, out var ours) && ours is not null) return s_diffusers.Value.ToTheirs(ours) ?? dotted;
        return s_ldmRoots.Contains(root) ? s_diffusers.Value.ToTheirs(dotted) ?? s_sdxl.Value.ToTheirs(dotted) ?? dotted : dotted;
    }

    /// <summary>What CompVis calls a module of SDXL's U-Net.</summary>
    /// <param name="canonical">diffusers' name.</param>
    public static string SdxlLdm(string canonical) => s_sdxl.Value.TryToOurs(canonical, out var ours) && ours is not null ? ours : canonical;

    /// <summary>What DiffSynth-Studio calls a module of Stable Diffusion 1.x's U-Net, or null when it has no name there.</summary>
    /// <param name="canonical">diffusers' name.</param>
    public static string? DiffSynth(string canonical)
        => s_diffusers.Value.TryToOurs(canonical, out var ours) && ours is not null ? s_diffSynth.Value.ToTheirs(ours) : null;

    private static string Dotted(string underscored)
    {
        var parts = underscored.Split('_');
        var segments = new List<string>();
        for (var i = 0; i < parts.Length;)
        {
            var word = s_words.TryGetValue(parts[i], out var words) ? Array.Find(words, word => parts.AsSpan(i).StartsWith(word)) : null;
            segments.Add(word is null ? parts[i] : string.Join('_', word));
            i += word?.Length ?? 1;
        }
        return string.Join('.', segments);
    }
}
