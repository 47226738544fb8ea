using System.Text.Json.Serialization;

namespace DiffSynthSharp;

/// <summary>How tensors of adapter files are named.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<LoraLayout>))]
public enum LoraLayout
{
    /// <summary><c>lora_unet_…lora_down.weight</c> and <c>.alpha</c>; also the names of LyCORIS (kohya-ss/sd-scripts).</summary>
    [JsonStringEnumMemberName("kohya")]
    Kohya,

    /// <summary><c>unet.….lora_A.weight</c>, alphas in the header's <c>lora_adapter_metadata</c> (PEFT, and what diffusers writes today).</summary>
    [JsonStringEnumMemberName("peft")]
    Peft,

    /// <summary><c>unet.….lora.down.weight</c>, <c>….processor.to_q_lora.down.weight</c>: what diffusers wrote before.</summary>
    [JsonStringEnumMemberName("diffusers")]
    Diffusers,

    /// <summary><c>blocks.1.….lora_A.default.weight</c>: DiffSynth-Studio's trainer.</summary>
    [JsonStringEnumMemberName("diffsynth")]
    DiffSynth,
}
