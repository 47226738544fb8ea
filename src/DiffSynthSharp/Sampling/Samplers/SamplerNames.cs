namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>How diffusers' scheduler of a sampler spaces timesteps.</summary>
internal enum StepSpacing { Integer, Continuous, Solver, Consistency }

/// <summary>A sampler by its name.</summary>
internal sealed record SamplerEntry(string Name, string Description, StepSpacing Spacing, Func<SchedulerSettings, Sampler> Create);

/// <summary>The samplers, by the names users type.</summary>
public static class SamplerNames
{
    private static readonly SamplerEntry[] s_entries =
    [
        new("ddim", "deterministic, the classic; --eta adds noise", StepSpacing.Integer, s => new Ddim(s.Eta ?? 0, s.Clipping)),
        new("euler", "Euler's method, deterministic", StepSpacing.Continuous, s => new Euler(s.Churn, s.Draws)),
        new("euler-a", "Euler with fresh noise at every step", StepSpacing.Continuous, s => new EulerAncestral(s.Eta ?? 1, s.NoiseMultiplier, s.Draws)),
        new("dpm++-2m", "DPM-Solver++ multistep, deterministic, good from 15 steps", StepSpacing.Solver, s => new DpmMultistep(Dpm(s, 2, 0))),
        new("dpm++-2m-sde", "DPM-Solver++ multistep with noise", StepSpacing.Solver, s => new DpmMultistep(Dpm(s, 2, s.Eta ?? 1))),
    ];

    /// <summary>Name and one-line description of every sampler.</summary>
    public static IReadOnlyList<(string Name, string Description)> All { get; } = [.. s_entries.Select(entry => (entry.Name, entry.Description))];

    /// <exception cref="DiffSynthException">No sampler has this name.</exception>
    internal static SamplerEntry Find(string name) => s_entries.FirstOrDefault(entry => entry.Name == name)
        ?? throw new DiffSynthException(KnownNames.Unknown("sampler", name, s_entries.Select(entry => entry.Name)));

    private static DpmOptions Dpm(SchedulerSettings s, int order, double eta)
        => new(s.Order ?? order, s.Solver ?? SolverType.Midpoint, s.PredictX0, eta, s.LowerOrderFinal, s.EulerAtFinal)
        {
            NoiseMultiplier = s.NoiseMultiplier,
            Draws = s.Draws,
        };
}
