namespace DiffSynthSharp.Sampling.Schedules;

/// <summary>Levels picked from a training table, without the closing 0 unless said.</summary>
/// <remarks>AUTOMATIC1111/stable-diffusion-webui, modules/sd_schedulers.py; comfyanonymous/ComfyUI, comfy/samplers.py.</remarks>
internal static class TableLadders
{
    /// <summary>Every so many entries of the table, from the highest.</summary>
    public static double[] Simple(LevelTable table, int steps)
        => [.. Enumerable.Range(0, steps).Select(i => table.Sigmas[^(1 + (int)(i * (table.Sigmas.Count / (double)steps)))])];

    /// <summary>Even timesteps, both ends included.</summary>
    public static double[] Normal(LevelTable table, int steps) => Between(table, Grid.Linspace(First(table), Last(table), steps));

    /// <summary>Even timesteps as if one more followed.</summary>
    public static double[] SgmUniform(LevelTable table, int steps) => Between(table, Grid.Linspace(First(table), Last(table), steps + 1).Take(steps));

    /// <summary>Every so many entries from the second lowest; their number may exceed the steps asked for.</summary>
    public static double[] DdimUniform(LevelTable table, int steps)
    {
        var stride = Math.Max(table.Sigmas.Count / steps, 1);
        return [.. Enumerable.Range(0, (table.Sigmas.Count - 2) / stride + 1).Select(i => table.Sigmas[1 + i * stride]).Reverse()];
    }

    /// <summary>Quantiles of a beta distribution over the table's indices; entries that would repeat are left out.</summary>
    /// <remarks>Lee et al. (2024), arXiv 2407.12173.</remarks>
    public static double[] BetaTimesteps(LevelTable table, int steps, double alpha = 0.6, double beta = 0.6)
    {
        var indices = Enumerable.Range(0, steps).Select(i => BetaDistribution.Quantile(1 - i / (double)steps, alpha, beta) * (table.Sigmas.Count - 1));
        return [.. indices.Select(index => (int)Grid.Round(index)).Distinct().Select(index => table.Sigmas[index])];
    }

    /// <summary>Slowly and evenly through the highest levels, then ever faster.</summary>
    /// <param name="table">Only its highest level counts.</param>
    /// <param name="steps">Half of them cross the first part.</param>
    /// <param name="threshold">Share of the range that the first half crosses.</param>
    /// <remarks>Genmo's Mochi; comfyanonymous/ComfyUI, linear_quadratic_schedule.</remarks>
    public static double[] LinearQuadratic(LevelTable table, int steps, double threshold = 0.025)
    {
        if (steps == 1) return [table.Highest];
        var (slow, fast) = (steps / 2, steps - steps / 2);
        var excess = slow - threshold * steps;
        var curve = excess / (slow * (double)fast * fast);
        var slope = threshold / slow - 2 * excess / ((double)fast * fast);
        double Passed(int i) => i < slow ? i * threshold / slow : curve * i * i + slope * i + curve * slow * slow;
        return [.. Enumerable.Range(0, steps).Select(i => (1 - Passed(i)) * table.Highest)];
    }

    private static double First(LevelTable table) => table.TimestepAt(table.Highest);

    private static double Last(LevelTable table) => table.TimestepAt(table.Lowest);

    private static double[] Between(LevelTable table, IEnumerable<double> timesteps) => [.. timesteps.Select(table.SigmaAt)];
}
