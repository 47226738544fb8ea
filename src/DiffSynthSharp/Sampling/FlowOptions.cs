namespace DiffSynthSharp.Sampling;

/// <summary>How levels of flow matching are spaced: an even list between two ends, bent towards the noise.</summary>
internal sealed record FlowOptions
{
    /// <summary>First level of the even list.</summary>
    public double SigmaMax { get; init; } = 1;

    /// <summary>Last level of the even list.</summary>
    public double SigmaMin { get; init; } = 0.003 / 1.002;

    /// <summary>Static shift; larger spends more steps near the noise.</summary>
    public double Shift { get; init; } = 3;

    /// <summary>Logarithm of a shift that follows the picture's size; replaces <see cref="Shift"/>.</summary>
    public double? Mu { get; init; }

    /// <summary>Whether <see cref="Mu"/> is the shift itself.</summary>
    public bool LinearMu { get; init; }

    /// <summary>The level the last step begins at, or null.</summary>
    public double? Terminal { get; init; }

    /// <summary>A curve between the shifted ends instead of the shifted list.</summary>
    public SigmaCurve Curve { get; init; }

    /// <summary>Whether the even list has one level more, which is then dropped.</summary>
    public bool ExtraStep { get; init; }

    /// <summary>Whether the list runs from low to high before it is shifted.</summary>
    public bool Inverted { get; init; }

    /// <summary>Whether levels become 1 − level after they are shifted.</summary>
    public bool Reversed { get; init; }
}
