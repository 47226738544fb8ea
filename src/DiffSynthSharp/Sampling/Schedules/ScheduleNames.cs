namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>A schedule by its name.</summary>
internal sealed record ScheduleEntry(string Name, string Description, Func<SchedulerSettings, AlphaTable, int, Ladder> Create);

/// <summary>The schedules, by the names users type.</summary>
public static class ScheduleNames
{
    private static readonly ScheduleEntry[] s_entries =
    [
        new("diffsynth", "DiffSynth's DDIM timesteps, from the last to the first", (s, table, steps) => DiffSynthSchedule.Create(s, table, steps)),
        new("diffusers", "as diffusers' scheduler of the sampler spaces them", (s, table, steps) => DiffusersSchedule.Create(s, table, steps)),
        new("karras", "Karras et al.: evenly in the 7th root of sigma", SigmaLadders.Karras),
        new("exponential", "evenly in the logarithm of sigma", SigmaLadders.Exponential),
        new("polyexponential", "a power of an even grid in the logarithm of sigma", SigmaLadders.Polyexponential),
        new("simple", "every so many training levels, from the highest", Table(TableLadders.Simple)),
        new("normal", "even timesteps, both ends included", Table(TableLadders.Normal)),
        new("sgm-uniform", "even timesteps without the last", Table(TableLadders.SgmUniform)),
        new("ddim-uniform", "every so many training levels, from the lowest; may take a step more", Table(TableLadders.DdimUniform)),
        new("beta", "quantiles of a beta distribution over sigma", SigmaLadders.Beta),
        new("beta-timesteps", "quantiles of a beta distribution over timesteps", Table((table, steps) => TableLadders.BetaTimesteps(table, steps))),
        new("linear-quadratic", "slow through the highest levels, then ever faster", Table((table, steps) => TableLadders.LinearQuadratic(table, steps))),
        new("kl-optimal", "evenly in the angle whose tangent is sigma", SigmaLadders.KlOptimal),
        new("align-your-steps", "levels optimised for ten steps", Table((_, steps) => Curves.AlignYourSteps(steps, Curves.StableDiffusionSteps))),
        new("vp", "a continuous variance-preserving process", Table((_, steps) => Curves.VariancePreserving(steps))),
    ];

    /// <summary>Name and one-line description of every schedule.</summary>
    public static IReadOnlyList<(string Name, string Description)> All { get; } = [.. s_entries.Select(entry => (entry.Name, entry.Description))];

    private static Func<SchedulerSettings, AlphaTable, int, Ladder> Table(Func<LevelTable, int, double[]> levels)
        => (_, table, steps) => SigmaLadders.Of(levels(table.Levels, steps), table);

    /// <exception cref="DiffSynthException">No schedule has this name.</exception>
    internal static ScheduleEntry Find(string name) => s_entries.FirstOrDefault(entry => entry.Name == name)
        ?? throw new DiffSynthException(KnownNames.Unknown("schedule", name, s_entries.Select(entry => entry.Name)));
}
