namespace DiffSynthSharp.Sampling;

/// <summary>Noise that is added before a step, so that the step starts a little higher (Karras et al. 2022, algorithm 2).</summary>
/// <param name="Amount">Total over all steps; 0 is none.</param>
/// <param name="SigmaMin">Lowest sigma that is churned.</param>
/// <param name="SigmaMax">Highest sigma that is churned.</param>
/// <param name="Noise">What the noise is multiplied with.</param>
/// <param name="AfterEvaluation">Whether the network sees the latents before the noise: diffusers' order.</param>
internal sealed record Churn(double Amount, double SigmaMin = 0, double SigmaMax = double.PositiveInfinity, double Noise = 1, bool AfterEvaluation = false)
{
    public static Churn None { get; } = new(0);

    /// <summary>The sigma that a step at <paramref name="sigma"/> really starts from.</summary>
    public double Raise(double sigma, int steps)
        => sigma >= SigmaMin && sigma <= SigmaMax ? sigma * (1 + Math.Min(Amount / steps, Math.Sqrt(2) - 1)) : sigma;
}
