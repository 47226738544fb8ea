using DiffSynthSharp.Sampling.Schedules;

namespace DiffSynthSharp.Sampling;

/// <summary>What an even list of flow levels ends at, before it is bent.</summary>
internal enum FlowEnd
{
    /// <summary>At <see cref="FlowOptions.SigmaMin"/>: DiffSynth-Studio.</summary>
    Fixed,

    /// <summary>At the lowest training level, which a static shift moves once before it moves the list: diffusers' schedulers.</summary>
    LowestTrained,

    /// <summary>One step above no noise: the lists that diffusers' pipelines of FLUX and OmniGen make themselves.</summary>
    OneStep,
}

/// <summary>A shift that grows with the picture: its logarithm lies on the line through two points.</summary>
/// <param name="Base">Logarithm of the shift at <paramref name="BaseTokens"/>.</param>
/// <param name="Max">Logarithm of the shift at <paramref name="MaxTokens"/>; larger pictures go on along the line.</param>
/// <param name="BaseTokens">Tokens of a small picture.</param>
/// <param name="MaxTokens">Tokens of a large one.</param>
internal sealed record DynamicShift(double Base = 0.5, double Max = 1.15, double BaseTokens = 256, double MaxTokens = 4096);

/// <summary>How levels of flow matching are spaced: an even list between two ends, bent towards the noise.</summary>
internal sealed record FlowOptions
{
    /// <summary>First level of the even list.</summary>
    public double SigmaMax { get; init; } = 1;

    /// <summary>Last level of the even list.</summary>
    public double SigmaMin { get; init; } = 0.003 / 1.002;

    /// <summary>What the even list ends at.</summary>
    public FlowEnd End { get; init; }

    /// <summary>Static shift; larger spends more steps near the noise.</summary>
    public double Shift { get; init; } = 3;

    /// <summary>A shift that follows the picture's size, in place of <see cref="Shift"/>; null for none.</summary>
    public DynamicShift? Dynamic { get; init; }

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

    /// <summary>Latent cells along the side of a token, as far as the shift is concerned.</summary>
    private const long TokenSide = 2;

    /// <summary>The same with every number known.</summary>
    /// <param name="trainSteps">Levels the network was trained on.</param>
    /// <param name="steps">Steps of the whole list.</param>
    /// <param name="latents">Sides of the latents in cells; needed where the shift follows the picture's size.</param>
    public FlowOptions For(int trainSteps, int steps, (long Height, long Width)? latents)
    {
        var bent = Dynamic is null ? this : this with { Mu = MuOf(Dynamic, latents), Dynamic = null };
        return bent with
        {
            End = FlowEnd.Fixed,
            SigmaMin = End switch
            {
                FlowEnd.OneStep => SigmaMax / steps,
                FlowEnd.LowestTrained => bent.Mu is null ? FlowSchedule.Shift(1.0 / trainSteps, Shift) : 1.0 / trainSteps,
                _ => SigmaMin,
            },
        };
    }

    private static double MuOf(DynamicShift line, (long Height, long Width)? latents)
    {
        var (height, width) = latents ?? throw new InvalidOperationException("A shift that follows the picture's size needs the size.");
        return FlowSchedule.Mu(height / TokenSide * (width / TokenSide), line.Base, line.Max, line.BaseTokens, line.MaxTokens);
    }
}
