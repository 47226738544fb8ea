using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>What is done to clean predictions that leave their range.</summary>
/// <param name="Range">Values are cut to ±this; null leaves them.</param>
/// <param name="ThresholdRatio">Quantile per picture that becomes the range (dynamic thresholding, Saharia et al. 2022); null leaves them.</param>
/// <param name="ThresholdMax">Upper bound of that range.</param>
internal sealed record Clipping(double? Range = null, double? ThresholdRatio = null, double ThresholdMax = 1)
{
    public static Clipping None { get; } = new();

    public bool IsNone => Range is null && ThresholdRatio is null;

    /// <param name="denoised">(n, …) clean predictions</param>
    public Tensor Apply(Tensor denoised)
    {
        if (ThresholdRatio is not { } ratio) return Range is { } range ? denoised.clamp(-range, range) : denoised.alias();
        using var scope = NewDisposeScope();
        var flat = denoised.reshape(denoised.shape[0], -1);
        var bound = flat.abs().quantile(tensor((float)ratio), dim: 1).clamp(1, Math.Max(1, ThresholdMax)).unsqueeze(1);
        return (flat.maximum(-bound).minimum(bound) / bound).reshape(denoised.shape).MoveToOuterDisposeScope();
    }
}
