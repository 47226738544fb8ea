using System.Text;
using DiffSynthSharp.Adapters.Lora;
using static TorchSharp.torch;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>
/// Adapters: names, shapes and notes of their tensors, and what becomes of a weight with them. The input is a text: a line <c>name type 4x3</c> for each tensor,
/// <c>#key note</c> for the header's notes.
/// </summary>
internal sealed class LoraKeysTarget : FuzzTarget
{
    private const long LargestWeight = 1 << 14;

    public override string Name => "lora-keys";

    public override int LongestInput => 1 << 13;

    public override long FixedBytes => 16 << 20;

    public override long BytesPerByte => 512;

    public override IReadOnlyList<string> Words =>
    [
        ".lora_down.weight F32 2x4", ".lora_up.weight F32 4x2", ".lora_mid.weight F32 2x2x3x3", ".alpha F32 1", ".dora_scale F32 4x1", ".hada_w1_a F32 4x2", ".hada_w1_b F32 2x4", ".hada_t1 F32 2x2x3x3",
        ".lokr_w1 F32 2x2", ".lokr_w2_a F32 2x2", ".lokr_w2_b F32 2x2", ".lokr_t2 F32 2x2x3x3", ".on_input BOOL 1", ".weight F32 4", ".diff F32 4x4", ".diff_b F32 4", ".lora_A.weight F32 2x4", ".lora_B.default.weight F32 4x2",
        ".lora_magnitude_vector F32 4", ".processor.to_out_lora.down.weight F32 2x4", "lora_unet_", "lora_te1_", "base_model.model.", "down_blocks_0_attentions_0_proj_in", "input_blocks.1.1.proj_in", "#lora_adapter_metadata {\"unet.lora_alpha\":2}",
        "\"unet.alpha_pattern\":{\"a\":1}", "\"unet.use_rslora\":true", "BF16", "F8_E4M3", "I64", " F32 ", "x1x1", "\\ud800",
    ];

    public override void Read(byte[] input)
    {
        using var scope = NewDisposeScope();
        using var file = LoraFile.Open(TensorList.Safetensors(Encoding.UTF8.GetString(input)), "damaged");
        _ = LoraFamily.Guess(file.Modules);
        foreach (var module in file.Modules)
        {
            _ = (module.Canonical, LoraNames.DiffSynth(module.Canonical), module.Factor);
            if (module.IsComplete) Attempt(() => Apply(file, module));
        }
    }

    // The module's own layer, and one of another shape.
    private static void Apply(LoraFile file, LoraModule module)
    {
        _ = module.KindName;
        long[] own = LoraShapes.TargetOf(module) ?? [4, 4];
        foreach (var weight in (long[][])[own, [4, 4], [4, 4, 3, 3]])
        {
            if (weight.Length == 0 || Elements(weight) > LargestWeight) continue;
            var deltas = new LoraDeltas(file, module, name => name == "weight" ? weight : [weight[0]], CPU);
            if (deltas.Mismatch() is not null || deltas.IsZero(1)) continue;
            foreach (var delta in deltas.Create(1, ignoreAlpha: false))
                using (delta)
                {
                    using var scope = NewDisposeScope();
                    delta.Change("weight", ones(weight));
                    delta.Change("bias", ones(weight[0]));
                }
        }
    }

    private static Int128 Elements(long[] shape) => shape.Aggregate((Int128)1, (product, side) => product * side > LargestWeight ? LargestWeight + 1 : product * side);
}
