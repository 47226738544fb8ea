namespace DiffSynthSharp.Adapters.Lora;

/// <summary>How each layout spells a layer and its tensors, as files are written.</summary>
/// <remarks>Names: kohya-ss/sd-scripts networks/lora.py (diffusers' names for Stable Diffusion 1.x, CompVis' for SDXL's U-Net); huggingface/diffusers loaders
/// and utils/state_dict_utils.py; modelscope/DiffSynth-Studio diffsynth/models/lora.py, <c>GeneralLoRAFromPeft</c>.</remarks>
internal static class LoraSpelling
{
    /// <summary>A layer with its network, or null when the layout has no name for it.</summary>
    /// <param name="place">The layer.</param>
    /// <param name="layout">Whose way of naming it is wanted.</param>
    /// <param name="isSdxl">Whether the adapter is for SDXL, whose kohya names differ.</param>
    public static string? Module(LoraPlace place, LoraLayout layout, bool isSdxl) => layout switch
    {
        LoraLayout.Kohya => KohyaPrefix(place.Network, isSdxl) + LoraNames.Underscored(isSdxl && !place.IsText ? LoraNames.SdxlLdm(place.Canonical) : place.Canonical),
        LoraLayout.DiffSynth => place.IsText || isSdxl ? null : LoraNames.DiffSynth(place.Canonical),
        _ => $"{place.Network}.{place.Canonical}",
    };

    /// <summary>What follows the layer in the name of one of its tensors.</summary>
    /// <param name="role">The tensor's role; one that the layout holds.</param>
    /// <param name="layout">Whose way of naming it is wanted.</param>
    /// <param name="isText">Whether the layer is a text encoder's.</param>
    public static string Suffix(LoraRole role, LoraLayout layout, bool isText) => (layout, role) switch
    {
        (LoraLayout.Kohya, LoraRole.RowMagnitude) => LoraKey.Suffix(LoraRole.Magnitude),
        (LoraLayout.Kohya, _) => LoraKey.Suffix(role),
        (LoraLayout.Peft, LoraRole.Down) => ".lora_A.weight",
        (LoraLayout.Peft, LoraRole.Up) => ".lora_B.weight",
        (LoraLayout.Peft, LoraRole.Magnitude or LoraRole.RowMagnitude) => ".lora_magnitude_vector",
        (LoraLayout.Diffusers, LoraRole.Down) => isText ? ".lora_linear_layer.down.weight" : ".lora.down.weight",
        (LoraLayout.Diffusers, LoraRole.Up) => isText ? ".lora_linear_layer.up.weight" : ".lora.up.weight",
        (LoraLayout.DiffSynth, LoraRole.Down) => ".lora_A.default.weight",
        (LoraLayout.DiffSynth, LoraRole.Up) => ".lora_B.default.weight",
        _ => throw new InvalidOperationException($"{layout} has no name for {role}."),
    };

    private static string KohyaPrefix(string network, bool isSdxl) => network switch
    {
        LoraNames.Denoiser => "lora_unet_",
        LoraNames.TextEncoder => isSdxl ? "lora_te1_" : "lora_te_",
        "text_encoder_2" => "lora_te2_",
        _ => "lora_te3_",
    };
}
