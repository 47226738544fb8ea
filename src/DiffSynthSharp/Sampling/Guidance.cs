using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>Ways to combine what a network predicts with and without a text.</summary>
internal static class Guidance
{
    /// <summary><c>without + scale · (with − without)</c></summary>
    /// <remarks>Ho and Salimans 2022 (arXiv 2207.12598), equation 6 with w = scale − 1.</remarks>
    /// <param name="with">The prediction with the text.</param>
    /// <param name="without">The prediction with the negative text.</param>
    /// <param name="scale">1 is the prediction with the text alone.</param>
    public static Tensor ClassifierFree(Tensor with, Tensor without, double scale)
    {
        using var difference = with - without;
        using var scaled = difference * scale;
        return without + scaled;
    }

    /// <summary>Brings the guided prediction's deviation back towards that of the prediction with the text, per picture.</summary>
    /// <remarks>Lin et al. 2023 (arXiv 2305.08891), equations 15 and 16; the deviation is the unbiased one.</remarks>
    /// <param name="guided">(B, …)</param>
    /// <param name="with">(B, …)</param>
    /// <param name="amount">0 changes nothing, 1 brings it back wholly.</param>
    public static Tensor Rescale(Tensor guided, Tensor with, double amount)
    {
        using var scope = NewDisposeScope();
        var rescaled = guided * (Deviation(with) / Deviation(guided));
        return (amount * rescaled + (1 - amount) * guided).MoveToOuterDisposeScope();
    }

    private static Tensor Deviation(Tensor x) => x.flatten(1).std(1, unbiased: true).view([-1, .. Enumerable.Repeat(1L, (int)x.dim() - 1)]);
}
