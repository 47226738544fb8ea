using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Adapters.ControlNets;

/// <summary>Tells ControlNets of Stable Diffusion 1.x from files that people take for them.</summary>
internal static class ControlNetSigns
{
    private static readonly (string Sign, string Kind)[] s_others =
    [
        ("controlnet_x_embedder.", "a ControlNet for FLUX"),
        ("controlnet_single_blocks.", "a ControlNet for FLUX"),
        ("double_blocks.0.", "a ControlNet for FLUX"),
        ("pos_embed_input.", "a ControlNet for Stable Diffusion 3"),
        ("controlnet_blocks.", "a ControlNet for a transformer such as Stable Diffusion 3 or Hunyuan-DiT"),
        ("after_proj_list.", "a ControlNet for Hunyuan-DiT"),
        ("task_embedding", "a ControlNet-Union for SDXL"),
        ("lora_controlnet", "a Control-LoRA"),
        ("lllite_", "a ControlNet-LLLite"),
        ("adapter.body.", "a T2I-Adapter"),
        ("body.0.block1.", "a T2I-Adapter"),
        ("body.0.resnets.", "a T2I-Adapter"),
    ];

    private static readonly (string Sign, string Kind)[] s_sisters =
    [
        ("add_embedding.linear_1.weight", "a ControlNet for SDXL"),
        ("label_emb.0.0.weight", "a ControlNet for SDXL"),
    ];

    /// <summary>Refuses ControlNets and adapters of other kinds.</summary>
    /// <exception cref="DiffSynthException">It is one; the message says which.</exception>
    public static void RefuseOthers(string path, IEnumerable<string> names)
    {
        var all = names.ToList();
        bool Any(string sign) => all.Exists(name => name.Contains(sign, StringComparison.Ordinal));
        if (all.Contains("difference"))
            throw new DiffSynthException($"'{path}' holds a ControlNet as differences from a base model, which can't be used alone. Choose the whole file.");
        var signs = Any("controlnet_cond_embedding.") || Any("input_hint_block.") ? s_others.Concat(s_sisters) : s_others;
        if (signs.FirstOrDefault(sign => Any(sign.Sign)).Kind is { } kind)
            throw new DiffSynthException($"'{path}' looks like {kind}. This model needs a ControlNet made for Stable Diffusion 1.x, such as control_v11p_sd15_canny.");
    }

    /// <summary>What to say of a file in which no ControlNet was found.</summary>
    public static DiffSynthException NoControlNet(string path, IEnumerable<string> names) => new(
        $"'{path}' holds no ControlNet of Stable Diffusion 1.x. {FamilySigns.Describe(names)} Expected names such as 'control_model.input_hint_block.…' or 'controlnet_cond_embedding.…'.");
}
