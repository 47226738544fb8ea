namespace DiffSynthSharp.Weights;

/// <summary>Tells families apart by tensor names, for files that this version can't run.</summary>
internal static class FamilySigns
{
    private static readonly (string Sign, string Family)[] s_signs =
    [
        ("conditioner.embedders.1.", "SDXL"),
        ("add_embedding.linear_1.weight", "SDXL"),
        ("label_emb.0.0.weight", "SDXL"),
        ("cond_stage_model.model.", "Stable Diffusion 2"),
        ("joint_blocks.0.", "Stable Diffusion 3"),
        ("double_blocks.0.", "FLUX.1"),
        ("single_transformer_blocks.0.", "FLUX.1"),
        ("lora_unet_", "a LoRA"),
        (".lora_A.", "a LoRA"),
        (".lora_up.", "a LoRA"),
        ("control_model.", "a ControlNet"),
        ("controlnet_cond_embedding.", "a ControlNet"),
        ("string_to_param", "a textual inversion"),
        ("emb_params", "a textual inversion"),
        ("model.diffusion_model.input_blocks.0.0.weight", "Stable Diffusion 1.x"),
        ("first_stage_model.decoder.conv_in.weight", "an autoencoder"),
        ("decoder.conv_in.weight", "an autoencoder"),
        ("text_model.embeddings.token_embedding.weight", "a CLIP text encoder"),
        ("down_blocks.0.resnets.0.norm1.weight", "a U-Net alone"),
    ];

    /// <summary>The family that names speak for, or null.</summary>
    public static string? Guess(IEnumerable<string> names)
    {
        var all = names.ToList();
        return s_signs.Where(sign => all.Exists(name => name.Contains(sign.Sign, StringComparison.Ordinal))).Select(sign => sign.Family).FirstOrDefault();
    }

    /// <summary>A sentence for an error: what the names look like, or how they begin.</summary>
    public static string Describe(IEnumerable<string> names)
    {
        var all = names.ToList();
        return all.Count == 0 ? "It holds no tensors."
            : Guess(all) is { } family ? $"It looks like {family}."
            : all.Count == 1 ? $"Its one tensor is '{OneLine.Of(all[0])}'."
            : $"Its {all.Count} tensors begin with '{OneLine.Of(all[0])}'.";
    }
}
