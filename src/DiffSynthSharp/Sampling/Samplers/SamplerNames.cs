namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>How diffusers' scheduler of a sampler spaces timesteps.</summary>
internal enum StepSpacing { Integer, Continuous, Solver, Consistency, Flow }

/// <summary>A sampler by its name.</summary>
internal sealed record SamplerEntry(string Name, string Description, StepSpacing Spacing, Func<SchedulerSettings, Sampler> Create);

/// <summary>The samplers, by the names users type.</summary>
public static class SamplerNames
{
    private static readonly SamplerEntry[] s_entries =
    [
        new("ddim", "deterministic, the classic", StepSpacing.Integer, s => new Ddim(s.Eta ?? 0, s.Clipping)),
        new("euler", "Euler's method, deterministic", StepSpacing.Continuous, s => new Euler(s.Churn, s.Draws)),
        new("euler-a", "Euler with fresh noise at every step", StepSpacing.Continuous, s => new EulerAncestral(s.Eta ?? 1, s.NoiseMultiplier, s.Draws)),
        new("heun", "Heun's method: more exact, two model calls a step", StepSpacing.Continuous, s => new Heun(s.Churn, s.Draws)),
        new("lms", "linear multistep", StepSpacing.Continuous, s => new Lms(s.Order ?? 4)),
        new("dpm2", "DPM-Solver-2, two model calls a step", StepSpacing.Continuous, s => new Dpm2(s.Churn, s.Draws)),
        new("dpm2-a", "DPM-Solver-2 with fresh noise, two model calls a step", StepSpacing.Continuous, s => new Dpm2Ancestral(s.Eta ?? 1, s.NoiseMultiplier)),
        new("dpm-fast", "DPM-Solver of third order, with as many model calls as steps", StepSpacing.Continuous, s => new DpmFast(s.Draws)),
        new("dpm-adaptive", "DPM-Solver that chooses its own steps", StepSpacing.Continuous, s => new DpmAdaptive(s.Draws)),
        new("dpm++-2s", "DPM-Solver++ in single steps, deterministic", StepSpacing.Solver, s => new DpmSinglestep(Dpm(s, 2, s.Eta ?? 0))),
        new("dpm++-2s-a", "DPM-Solver++ in single steps with fresh noise, two model calls a step", StepSpacing.Continuous,
            s => new DpmPlusPlus2SAncestral(s.Eta ?? 1, s.NoiseMultiplier)),
        new("dpm++-2m", "DPM-Solver++ multistep, deterministic, good from 15 steps", StepSpacing.Solver, s => new DpmMultistep(Dpm(s, 2, 0))),
        new("dpm++-2m-sde", "DPM-Solver++ multistep with noise", StepSpacing.Solver, s => new DpmMultistep(Dpm(s, 2, s.Eta ?? 1))),
        new("dpm++-3m-sde", "DPM-Solver++ multistep of third order with noise", StepSpacing.Continuous, s => new DpmMultistep(ThirdOrder(s))),
        new("dpm++-sde", "DPM-Solver++ with noise, two model calls a step", StepSpacing.Continuous,
            s => new DpmPlusPlusSde(s.Eta ?? 1, s.NoiseMultiplier, s.Midpoint)),
        new("unipc", "unified predictor-corrector, good from 10 steps", StepSpacing.Solver,
            s => new UniPc(s.Order ?? 2, s.Solver ?? SolverType.Bh2, s.PredictX0, s.LowerOrderFinal, s.DisabledCorrectors)),
        new("deis", "diffusion exponential integrator", StepSpacing.Solver, s => new Deis(s.Order ?? 2, s.LowerOrderFinal)),
        new("pndm", "pseudo linear multistep, Stable Diffusion's first default", StepSpacing.Integer, s => new Pndm(s.Prediction, s.SkipPrkSteps)),
        new("ddpm", "the original ancestral sampling, needs many steps", StepSpacing.Integer, s => new Ddpm(s.Variance)),
        new("lcm", "latent consistency models, 2 to 8 steps", StepSpacing.Consistency, s => new Lcm(s.TimestepScaling)),
        new("tcd", "trajectory consistency distillation, 2 to 8 steps", StepSpacing.Consistency, s => new Tcd(s.Eta ?? 0.3)),
    ];

    // For networks trained by flow matching.
    private static readonly SamplerEntry[] s_flow =
    [
        new("flow-euler", "Euler's method on the straight path", StepSpacing.Flow, s => new Euler(s.Churn, s.Draws)),
        new("flow-euler-a", "Euler on the straight path with fresh noise", StepSpacing.Flow, s => new FlowEulerAncestral(s.Eta ?? 1, s.NoiseMultiplier)),
        new("flow-heun", "Heun's method on the straight path", StepSpacing.Flow, _ => new FlowHeun()),
        new("flow-lcm", "consistency steps on the straight path", StepSpacing.Flow, _ => new Renoise()),
    ];

    private const string FlowPrefix = "flow-";

    /// <summary>Name and one-line description of every sampler.</summary>
    public static IReadOnlyList<(string Name, string Description)> All { get; } = [.. s_entries.Select(entry => (entry.Name, entry.Description))];

    /// <exception cref="DiffSynthException">No sampler has this name.</exception>
    internal static SamplerEntry Find(string name) => s_entries.Concat(s_flow).FirstOrDefault(entry => entry.Name == name)
        ?? throw new DiffSynthException(KnownNames.Unknown("sampler", name, s_entries.Select(entry => entry.Name)));

    /// <summary>A sampler's name as users know it: the one for flow matching has no name of its own.</summary>
    internal static string Plain(string name) => name.StartsWith(FlowPrefix, StringComparison.Ordinal) ? name[FlowPrefix.Length..] : name;

    /// <summary>The sampler of this name for networks trained by flow matching.</summary>
    /// <param name="name">With or without the prefix.</param>
    /// <param name="onSolverLevels">Whether levels are spaced for solvers, which a folder's configuration can ask for. DEIS, which ends above no noise, needs them.</param>
    /// <exception cref="DiffSynthException">No sampler has this name, or it doesn't fit; the message names those that do.</exception>
    internal static SamplerEntry FindFlow(string name, bool onSolverLevels)
    {
        var fitting = s_flow.Concat(s_entries.Where(entry => entry.Spacing == StepSpacing.Solver && (onSolverLevels || entry.Name != "deis"))).ToList();
        Find(name);
        return fitting.FirstOrDefault(entry => Plain(entry.Name) == Plain(name)) ?? throw new DiffSynthException(
            $"{name} doesn't fit a model trained by flow matching; take one of {string.Join(", ", fitting.Select(entry => Plain(entry.Name)))}.");
    }

    // Second-order steps on the way to third order integrate exactly, and nothing falls to lower orders at the end.
    private static DpmOptions ThirdOrder(SchedulerSettings s) => Dpm(s, 3, s.Eta ?? 1) with { Solver = SolverType.Heun, LowerOrderFinal = false };

    private static DpmOptions Dpm(SchedulerSettings s, int order, double eta)
        => new(s.Order ?? order, s.Solver ?? SolverType.Midpoint, s.PredictX0, eta, s.LowerOrderFinal, s.EulerAtFinal)
        {
            NoiseMultiplier = s.NoiseMultiplier,
            Draws = s.Draws,
        };
}
