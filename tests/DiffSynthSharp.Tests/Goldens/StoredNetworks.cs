using DiffSynthSharp.Memory;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Networks whose weights stay as stored, in every memory mode.</summary>
internal static class StoredNetworks
{
    /// <summary>Runs FLUX.1's transformer in each mode: the first is compared with what was recorded, the others bit for bit with the first.</summary>
    public static void CompareFlux(ComponentWeights weights, GoldenTensors tensors, double tolerance)
    {
        Tensor? converted = null;
        foreach (var mode in (MemoryMode[])[MemoryMode.Full, MemoryMode.Balanced, MemoryMode.Low])
        {
            var residency = new Residency(CPU, new(mode, mode == MemoryMode.Low ? 1 : long.MaxValue, "")) { SmallNetworkBytes = 0, SmallParameterBytes = 1 << 14 };
            using var resident = residency.Load(new FluxTransformer(FluxConfig.Detect(weights.Shapes)), weights, "transformer");
            Assert.Equal(mode == MemoryMode.Low, resident.StreamedBytes > 0);
            var output = Run(resident.Network, tensors);
            if (converted is null) GoldenAssert.Close("sample", output, tensors["out.sample"], tolerance);
            else Assert.True(output.equal(converted).all().item<bool>(), $"Mode {mode} computes other bits.");
            converted ??= output;
        }
    }

    private static Tensor Run(FluxTransformer network, GoldenTensors tensors) => network.forward(new(
        tensors["in.hidden_states"], tensors["in.encoder_hidden_states"], tensors["in.pooled_projections"], tensors["in.timestep"],
        tensors.Has("in.guidance") ? tensors["in.guidance"] : null, cat([tensors["in.txt_ids"], tensors["in.img_ids"]])));
}
