namespace DiffSynthSharp.Families;

/// <summary>How latents relate to pictures.</summary>
/// <param name="Channels">Channels of the latents.</param>
/// <param name="Reduction">Picture pixels per latent cell, along a side.</param>
/// <param name="Scale">What the encoder's latents are multiplied with.</param>
/// <param name="Shift">What is taken from them before.</param>
internal sealed record LatentFormat(long Channels, int Reduction, double Scale, double Shift = 0);
