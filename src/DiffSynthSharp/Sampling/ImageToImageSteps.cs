namespace DiffSynthSharp.Sampling;

/// <summary>How programs turn steps and strength into a part of a ladder.</summary>
internal static class ImageToImageSteps
{
    private const double AlmostAll = 0.999;

    /// <summary>The last share of the steps: diffusers.</summary>
    /// <returns>Number of steps that run.</returns>
    public static int Kept(int steps, double strength) => Math.Min((int)(steps * strength), steps);

    /// <summary>The last share of the steps, rounded up: diffusers' pipelines of flow networks.</summary>
    /// <returns>Number of steps that run.</returns>
    public static int KeptOfFlow(int steps, double strength) => steps - (int)(steps - Math.Min(steps * strength, steps));

    /// <summary>A longer ladder, of whose end as many steps are run as were asked for: ComfyUI.</summary>
    /// <returns>Steps of the whole ladder.</returns>
    public static int Spread(int steps, double strength) => strength > 0.9999 ? steps : (int)(steps / strength);

    /// <summary>AUTOMATIC1111's web page: one step more than the share.</summary>
    public static int KeptPlusOne(int steps, double strength) => (int)(Math.Min(strength, AlmostAll) * steps) + 1;

    /// <summary>AUTOMATIC1111's web page when told to make exactly the number of steps.</summary>
    /// <returns>Steps of the whole ladder.</returns>
    public static int SpreadExactly(int steps, double strength) => (int)(steps / Math.Min(strength, AlmostAll));
}
