namespace DiffSynthSharp.Training.FromScratch;

/// <summary>How much of a latent is left at each training timestep: Stable Diffusion's own betas, linear in their roots.</summary>
/// <remarks>CompVis/stable-diffusion, ldm/modules/diffusionmodules/util.py, make_beta_schedule "linear".</remarks>
internal static class NoiseSchedule
{
    public const int Timesteps = 1000;
    public const double FirstBeta = 0.00085;
    public const double LastBeta = 0.012;

    /// <summary>The share of the signal's variance at each timestep (ᾱ).</summary>
    public static float[] SignalShares { get; } = Shares();

    private static float[] Shares()
    {
        var shares = new float[Timesteps];
        double product = 1, first = Math.Sqrt(FirstBeta), last = Math.Sqrt(LastBeta);
        for (var i = 0; i < Timesteps; i++)
        {
            var root = first + (last - first) * i / (Timesteps - 1);
            product *= 1 - root * root;
            shares[i] = (float)product;
        }
        return shares;
    }
}
