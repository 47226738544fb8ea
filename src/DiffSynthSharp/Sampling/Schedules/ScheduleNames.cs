namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>A schedule by its name.</summary>
internal sealed record ScheduleEntry(string Name, string Description, Func<SchedulerSettings, AlphaTable, int, Ladder> Create);

/// <summary>The schedules, by the names users type.</summary>
public static class ScheduleNames
{
    private static readonly ScheduleEntry[] s_entries =
    [
        new("diffsynth", "DiffSynth's DDIM timesteps, from the last to the first", (s, table, steps) => DiffSynthSchedule.Create(s, table, steps)),
        new("diffusers", "as diffusers' scheduler of the sampler spaces them", DiffusersSchedule.Create),
        new("karras", "Karras et al.: evenly in the 7th root of sigma", (s, table, steps) => SigmaLadders.Karras(s, table, steps)),
        new("exponential", "evenly in the logarithm of sigma", (s, table, steps) => SigmaLadders.Exponential(s, table, steps)),
        new("polyexponential", "a power of an even grid in the logarithm of sigma", (s, table, steps) => SigmaLadders.Polyexponential(s, table, steps)),
    ];

    /// <summary>Name and one-line description of every schedule.</summary>
    public static IReadOnlyList<(string Name, string Description)> All { get; } = [.. s_entries.Select(entry => (entry.Name, entry.Description))];

    /// <exception cref="DiffSynthException">No schedule has this name.</exception>
    internal static ScheduleEntry Find(string name) => s_entries.FirstOrDefault(entry => entry.Name == name)
        ?? throw new DiffSynthException(KnownNames.Unknown("schedule", name, s_entries.Select(entry => entry.Name)));
}
