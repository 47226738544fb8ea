namespace DiffSynthSharp.Training.Optimization;

/// <summary>A rate that rises over a short warm-up and falls along half a cosine to a twentieth.</summary>
/// <param name="Peak">The highest rate.</param>
/// <param name="Warmup">Steps of the rise.</param>
/// <param name="Steps">All steps.</param>
internal sealed record LearningRate(double Peak, int Warmup, int Steps)
{
    private const double Floor = 0.05;

    /// <summary>The rate of a step, counted from 1.</summary>
    public double At(long step)
    {
        if (step <= Warmup) return Peak * step / Warmup;
        var progress = Math.Min(1, (double)(step - Warmup) / Math.Max(1, Steps - Warmup));
        return Peak * (Floor + (1 - Floor) * (1 + Math.Cos(Math.PI * progress)) / 2);
    }
}
