namespace DiffSynthSharp.Sampling;

/// <summary>What a network's output means.</summary>
public enum Prediction
{
    /// <summary>The noise in the latents.</summary>
    Epsilon,

    /// <summary>Velocity of Salimans and Ho (2022): √ᾱ·noise − √(1−ᾱ)·clean.</summary>
    V,

    /// <summary>The clean latents themselves.</summary>
    Sample,

    /// <summary>Velocity of a straight path: noise − clean.</summary>
    Flow,
}
