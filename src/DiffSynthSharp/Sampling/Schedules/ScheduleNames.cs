namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>Levels of flow matching, in 0 … 1, for so many steps over a share of the range.</summary>
internal delegate IEnumerable<double> FlowLevels(FlowOptions options, int steps, double strength);

/// <summary>A schedule by its name.</summary>
/// <param name="Name">As users type it.</param>
/// <param name="Description">One line.</param>
/// <param name="Create">A ladder for networks trained on a table of noise levels.</param>
/// <param name="Flow">Levels for networks trained by flow matching; null where there are none.</param>
internal sealed record ScheduleEntry(string Name, string Description, Func<SchedulerSettings, AlphaTable, int, Ladder> Create, FlowLevels? Flow = null);

/// <summary>The schedules, by the names users type.</summary>
public static class ScheduleNames
{
    private static readonly ScheduleEntry[] s_entries =
    [
        new("diffsynth", "DiffSynth's timesteps, from the last to the first", (s, table, steps) => DiffSynthSchedule.Create(s, table, steps), FlowSchedule.Levels),
        new("diffusers", "as diffusers' scheduler of the sampler spaces them", (s, table, steps) => DiffusersSchedule.Create(s, table, steps), FlowSchedule.Levels),
        new("karras", "Karras et al.: evenly in the 7th root of sigma", SigmaLadders.Karras, FlowCurve(SigmaCurve.Karras)),
        new("exponential", "evenly in the logarithm of sigma", SigmaLadders.Exponential, FlowCurve(SigmaCurve.Exponential)),
        new("polyexponential", "a power of an even grid in the logarithm of sigma", SigmaLadders.Polyexponential),
        new("simple", "every so many training levels, from the highest", Table(TableLadders.Simple), FlowTable(TableLadders.Simple)),
        new("normal", "even timesteps, both ends included", Table(TableLadders.Normal), FlowTable(TableLadders.Normal)),
        new("sgm-uniform", "even timesteps without the last", Table(TableLadders.SgmUniform), FlowTable(TableLadders.SgmUniform)),
        new("ddim-uniform", "every so many training levels, from the lowest; may take a step more", Table(TableLadders.DdimUniform), FlowTable(TableLadders.DdimUniform)),
        new("beta", "quantiles of a beta distribution over sigma", SigmaLadders.Beta, FlowCurve(SigmaCurve.Beta)),
        new("beta-timesteps", "quantiles of a beta distribution over timesteps", Table((table, steps) => TableLadders.BetaTimesteps(table, steps)),
            FlowTable((table, steps) => TableLadders.BetaTimesteps(table, steps))),
        new("linear-quadratic", "slow through the highest levels, then ever faster", Table((table, steps) => TableLadders.LinearQuadratic(table, steps)),
            FlowTable((table, steps) => TableLadders.LinearQuadratic(table, steps))),
        new("kl-optimal", "evenly in the angle whose tangent is sigma", SigmaLadders.KlOptimal),
        new("align-your-steps", "levels optimised for ten steps", Table((_, steps) => Curves.AlignYourSteps(steps, Curves.StableDiffusionSteps))),
        new("vp", "a continuous variance-preserving process", Table((_, steps) => Curves.VariancePreserving(steps))),
    ];

    /// <summary>Name and one-line description of every schedule.</summary>
    public static IReadOnlyList<(string Name, string Description)> All { get; } = [.. s_entries.Select(entry => (entry.Name, entry.Description))];

    private static Func<SchedulerSettings, AlphaTable, int, Ladder> Table(Func<LevelTable, int, double[]> levels)
        => (_, table, steps) => SigmaLadders.Of(levels(table.Levels, steps), table);

    private static FlowLevels FlowCurve(SigmaCurve curve) => (options, steps, strength) => FlowSchedule.Levels(options with { Curve = curve }, steps, strength);

    private static FlowLevels FlowTable(Func<LevelTable, int, double[]> levels) => (options, steps, _) => levels(FlowSchedule.Table(options), steps);

    /// <exception cref="DiffSynthException">No schedule has this name.</exception>
    internal static ScheduleEntry Find(string name) => s_entries.FirstOrDefault(entry => entry.Name == name)
        ?? throw new DiffSynthException(KnownNames.Unknown("schedule", name, s_entries.Select(entry => entry.Name)));

    /// <summary>Levels for networks trained by flow matching.</summary>
    /// <exception cref="DiffSynthException">No schedule has this name, or it has no levels for such networks.</exception>
    internal static FlowLevels FindFlow(string name) => Find(name).Flow
        ?? throw new DiffSynthException($"The {name} schedule doesn't fit a model trained by flow matching; take one of {string.Join(", ", s_entries.Where(entry => entry.Flow is not null).Select(entry => entry.Name))}.");
}
