namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>DiffSynth's DDIM timesteps: evenly from the last training timestep (or a share of it) to 0, both included.</summary>
/// <remarks>
/// modelscope/DiffSynth-Studio, diffsynth/schedulers/ddim.py, EnhancedDDIMScheduler; image-to-image spreads the steps over the shortened range.
/// </remarks>
internal static class DiffSynthSchedule
{
    /// <param name="settings">Training steps and what the last step ends at.</param>
    /// <param name="table">Levels of the timesteps.</param>
    /// <param name="steps">At least 1; no more are made than there are timesteps.</param>
    /// <param name="strength">Share of the timesteps that is walked, 0 to 1.</param>
    public static Ladder Create(SchedulerSettings settings, AlphaTable table, int steps, double strength = 1)
    {
        var timesteps = Timesteps(settings.TrainSteps, steps, strength);
        var sigmas = timesteps.Select(timestep => table.Sigmas[(int)timestep]);
        return new Ladder(Grid.Close(sigmas, settings.EndsAtFirstAlpha ? table.SigmaMin : 0), timesteps);
    }

    private static double[] Timesteps(int train, int steps, double strength)
    {
        var first = Math.Max(Grid.Round(train * strength) - 1, 0);
        var count = (int)Math.Min(steps, first + 1);
        var stride = first / (count - 1);
        return count == 1 ? [first] : [.. Enumerable.Range(0, count).Select(i => Grid.Round(first - i * stride))];
    }
}
