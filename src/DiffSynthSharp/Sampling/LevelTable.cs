namespace DiffSynthSharp.Sampling;

/// <summary>The levels a network was trained on, and how its timesteps name them.</summary>
/// <param name="Sigmas">Rising.</param>
/// <param name="TimestepAt">The timestep of a level.</param>
/// <param name="SigmaAt">The level of a timestep.</param>
internal sealed record LevelTable(IReadOnlyList<double> Sigmas, Func<double, double> TimestepAt, Func<double, double> SigmaAt)
{
    public double Lowest => Sigmas[0];

    public double Highest => Sigmas[^1];
}
