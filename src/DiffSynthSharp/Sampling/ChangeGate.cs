namespace DiffSynthSharp.Sampling;

/// <summary>Decides which steps of a run compute the network and which repeat what it added last: TeaCache.</summary>
/// <param name="threshold">Accumulated change at which a step is computed.</param>
/// <param name="polynomial">From relative change of the modulated input to change of the output, highest power first.</param>
/// <param name="steps">Steps of the run; the first and the last are always computed.</param>
/// <remarks>Liu et al. (2024), arXiv 2411.19108.</remarks>
internal sealed class ChangeGate(double threshold, IReadOnlyList<double> polynomial, int steps)
{
    private int _step;
    private bool _computed = true;

    /// <summary>Estimated change since the last computed step.</summary>
    public double Accumulated { get; private set; }

    /// <summary>Whether the next step must be computed.</summary>
    /// <param name="relativeChange">mean |m − before| / mean |before| of the first block's modulated input; unused at the first step.</param>
    public bool Computes(double relativeChange)
    {
        var index = _step++;
        if (_computed) Accumulated = 0;
        if (index == 0 || index == steps - 1) return _computed = true;
        Accumulated += polynomial.Aggregate(0.0, (value, coefficient) => value * relativeChange + coefficient);
        return _computed = Accumulated >= threshold;
    }
}
