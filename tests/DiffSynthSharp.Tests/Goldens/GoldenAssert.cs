using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Comparisons that say where and by how much.</summary>
internal static class GoldenAssert
{
    /// <summary>max |ours − expected| ≤ tolerance × max |expected|, with equal shapes.</summary>
    public static void Close(string what, Tensor ours, Tensor expected, double tolerance)
    {
        using var scope = NewDisposeScope();
        Assert.True(ours.shape.SequenceEqual(expected.shape), $"{what}: shape [{string.Join(',', ours.shape)}], expected [{string.Join(',', expected.shape)}].");
        if (expected.numel() == 0) return;
        var reference = expected.to(ScalarType.Float64);
        var difference = (ours.to(ScalarType.Float64) - reference).abs();
        double error = difference.max().ToDouble(), scale = reference.abs().max().ToDouble();
        Assert.True(error <= tolerance * Math.Max(scale, 1e-30),
            $"{what}: max error {error:g4} = {error / Math.Max(scale, 1e-30):g3} of the largest value {scale:g4}, allowed {tolerance:g3}; at flat index {difference.flatten().argmax().ToInt64()}.");
    }

    /// <summary>Peak signal to noise ratio in dB.</summary>
    public static double Psnr(Tensor ours, Tensor expected, double peak)
    {
        using var scope = NewDisposeScope();
        var error = (ours.to(ScalarType.Float64) - expected.to(ScalarType.Float64)).square().mean().ToDouble();
        return error == 0 ? double.PositiveInfinity : 10 * Math.Log10(peak * peak / error);
    }
}
