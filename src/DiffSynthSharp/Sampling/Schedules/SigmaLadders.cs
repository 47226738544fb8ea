namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>Ladders made of a curve between the ends of the training table.</summary>
/// <remarks>crowsonkb/k-diffusion, sampling.py, get_sigmas_*; timesteps by interpolation in log σ.</remarks>
internal static class SigmaLadders
{
    public static Ladder Karras(SchedulerSettings settings, AlphaTable table, int steps)
        => Of(Curves.Karras(steps, Low(settings, table), High(settings, table), settings.Rho ?? 7), table);

    public static Ladder Exponential(SchedulerSettings settings, AlphaTable table, int steps)
        => Of(Curves.Exponential(steps, Low(settings, table), High(settings, table)), table);

    public static Ladder Polyexponential(SchedulerSettings settings, AlphaTable table, int steps)
        => Of(Curves.Polyexponential(steps, Low(settings, table), High(settings, table), settings.Rho ?? 1), table);

    public static Ladder Beta(SchedulerSettings settings, AlphaTable table, int steps)
        => Of(Curves.Beta(steps, Low(settings, table), High(settings, table)), table);

    public static Ladder KlOptimal(SchedulerSettings settings, AlphaTable table, int steps)
    {
        var sigmas = Curves.KlOptimal(steps, Low(settings, table), High(settings, table));
        return new Ladder(Grid.Close(sigmas.SkipLast(1), sigmas[^1]), [.. sigmas.SkipLast(1).Select(table.TimestepAt)]);
    }

    /// <summary>A ladder of these levels that ends at no noise.</summary>
    public static Ladder Of(IEnumerable<double> sigmas, AlphaTable table)
    {
        var closed = Grid.Close(sigmas);
        return new Ladder(closed, [.. closed.SkipLast(1).Select(table.TimestepAt)]);
    }

    private static double Low(SchedulerSettings settings, AlphaTable table) => settings.SigmaMin ?? table.SigmaMin;

    private static double High(SchedulerSettings settings, AlphaTable table) => settings.SigmaMax ?? table.SigmaMax;
}
