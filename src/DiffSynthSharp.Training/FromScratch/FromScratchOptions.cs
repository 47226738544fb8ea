namespace DiffSynthSharp.Training.FromScratch;

/// <summary>A part of training the starter model. Each builds on those before it.</summary>
public enum FromScratchStage
{
    /// <summary>Pictures to latents and back.</summary>
    Autoencoder,

    /// <summary>Captions to text states.</summary>
    Text,

    /// <summary>Latents from text states and noise.</summary>
    Diffusion,

    /// <summary>The classifier that measures the others.</summary>
    Judge,

    /// <summary>One after the other.</summary>
    All,
}

/// <summary>What a run from scratch is asked for. The defaults made the starter model.</summary>
public sealed record FromScratchOptions
{
    /// <summary>Where checkpoints and sample sheets go.</summary>
    public required string Output { get; init; }

    /// <summary>Optimizer steps of the autoencoder.</summary>
    public int AutoencoderSteps { get; init; } = 2200;

    /// <summary>Optimizer steps of the text encoder.</summary>
    public int TextSteps { get; init; } = 600;

    /// <summary>Optimizer steps of the U-Net.</summary>
    public int DiffusionSteps { get; init; } = 6500;

    /// <summary>Drawings that the U-Net learns from.</summary>
    public int Drawings { get; init; } = 8000;

    /// <summary>Highest learning rate of autoencoder and U-Net.</summary>
    public double Rate { get; init; } = 1e-3;

    /// <summary>Steps between checkpoints.</summary>
    public int CheckpointEvery { get; init; } = 250;

    /// <summary>Whether to go on from the newest checkpoint.</summary>
    public bool Resume { get; init; }

    /// <summary>Makes sure that every number can work.</summary>
    /// <exception cref="DiffSynthException">One can't.</exception>
    internal void Check()
    {
        foreach (var (name, value) in new[]
        {
            ("autoencoder steps", AutoencoderSteps), ("text steps", TextSteps), ("diffusion steps", DiffusionSteps),
            ("drawings", Drawings), ("steps between checkpoints", CheckpointEvery),
        })
            if (value < 1) throw new DiffSynthException($"{value} {name} can't work: expected 1 or more.");
        if (!(Rate is > 0 and < 1)) throw new DiffSynthException($"A learning rate of {Rate} can't work: expected a number between 0 and 1, such as 0.001.");
    }
}
