namespace DiffSynthSharp.Sampling;

/// <summary>How latents of noise level σ are scaled where the network sees them.</summary>
internal enum LatentSpace
{
    /// <summary>Unit variance at every level: x / √(1 + σ²).</summary>
    VariancePreserving,

    /// <summary>On the straight path between picture and noise: x / (1 + σ).</summary>
    Flow,
}

/// <summary>The noise levels a sampler walks down.</summary>
/// <param name="Sigmas">Standard deviation of the noise over a clean picture of scale 1, falling; one more than there are steps.</param>
/// <param name="Timesteps">What the network is told at each step.</param>
internal sealed record Ladder(IReadOnlyList<double> Sigmas, IReadOnlyList<double> Timesteps)
{
    public int Steps => Timesteps.Count;

    /// <summary>
    /// The level each step ends at, where the reference's steps do not meet: the latents are then taken, as the network sees them, for latents of
    /// the next level.
    /// </summary>
    public IReadOnlyList<double>? Landings { get; init; }

    /// <summary>The level of any whole training timestep.</summary>
    public Func<double, double> LevelOf { get; init; } = timestep => throw new InvalidOperationException($"The ladder knows no level of timestep {timestep}.");

    public double Landing(int step) => Landings?[step] ?? Sigmas[step + 1];

    /// <summary>The last steps only.</summary>
    public Ladder Tail(int steps)
    {
        var skipped = Steps - Math.Clamp(steps, 0, Steps);
        return this with
        {
            Sigmas = [.. Sigmas.Skip(skipped)],
            Timesteps = [.. Timesteps.Skip(skipped)],
            Landings = Landings is null ? null : [.. Landings.Skip(skipped)],
        };
    }
}
