namespace DiffSynthSharp.Families;

/// <summary>What a model is about to do; networks that the phase doesn't need may leave memory.</summary>
internal enum ModelPhase
{
    /// <summary>Prompts are encoded.</summary>
    Encode,

    /// <summary>Pictures are encoded and latents are denoised.</summary>
    Denoise,

    /// <summary>Latents become pictures.</summary>
    Decode,
}
