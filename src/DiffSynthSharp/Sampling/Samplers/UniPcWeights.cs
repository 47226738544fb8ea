namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>The weights of UniPC's differences: the solution of its order conditions.</summary>
/// <remarks>Zhao et al. (2023), theorem 3.1.</remarks>
internal static class UniPcWeights
{
    /// <summary>B(h) of the bh1 and bh2 variants.</summary>
    public static double Base(double hh, SolverType solver) => solver == SolverType.Bh1 ? hh : double.ExpM1(hh);

    /// <param name="ratios">Where the known outputs lie, in steps; the end of the step, 1, last.</param>
    /// <param name="hh">Step in log σ, negative when clean pictures are predicted.</param>
    /// <param name="solver">Which B(h).</param>
    /// <param name="correct">Whether the output at the end of the step is known.</param>
    public static double[] Of(double[] ratios, double hh, SolverType solver, bool correct)
    {
        var size = correct ? ratios.Length : ratios.Length - 1;
        if (size == 0) return [];
        if (size == 1) return [0.5];
        var rows = new double[size][];
        var (phi, factorial) = (double.ExpM1(hh) / hh - 1, 1.0);
        for (var k = 0; k < size; k++)
        {
            rows[k] = [.. ratios.Take(size).Select(ratio => Math.Pow(ratio, k)), phi * factorial / Base(hh, solver)];
            factorial *= k + 2;
            phi = phi / hh - 1 / factorial;
        }
        return Solve(rows);
    }

    // Gaussian elimination with pivots; the right side is the last column.
    private static double[] Solve(double[][] rows)
    {
        var n = rows.Length;
        for (var column = 0; column < n; column++)
        {
            var pivot = Enumerable.Range(column, n - column).MaxBy(row => Math.Abs(rows[row][column]));
            (rows[column], rows[pivot]) = (rows[pivot], rows[column]);
            for (var row = 0; row < n; row++)
            {
                if (row == column) continue;
                var factor = rows[row][column] / rows[column][column];
                for (var k = column; k <= n; k++) rows[row][k] -= factor * rows[column][k];
            }
        }
        return [.. rows.Select((row, i) => row[n] / row[i])];
    }
}
