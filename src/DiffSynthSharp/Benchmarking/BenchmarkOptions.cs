namespace DiffSynthSharp.Benchmarking;

/// <summary>What to measure.</summary>
public sealed record BenchmarkOptions
{
    /// <summary>A checkpoint or folder; null with <see cref="Random"/>.</summary>
    public string? Model { get; init; }

    /// <summary>A full-size architecture with random weights: "sd15".</summary>
    public string? Random { get; init; }

    /// <summary>Pixels; null takes the model's own.</summary>
    public (int Width, int Height)? Size { get; init; }

    /// <summary>Measured steps.</summary>
    public int Steps { get; init; } = 2;

    /// <summary>Whether a step and a decode come first that aren't measured.</summary>
    public bool WarmsUp { get; init; } = true;

    /// <summary>Classifier-free guidance scale; above 1 a step is two calls of the network. Null: the model's default.</summary>
    public double? Guidance { get; init; }

    /// <summary>Works in tiles; null runs everything whole.</summary>
    public TileSettings? Tiles { get; init; }

    /// <summary>
    /// Ends denoising, and then decoding, after so many seconds even if no step is done, and leaves the warm-up out: a part's memory and rate tell those of the whole. Null waits.
    /// </summary>
    public double? StopAfter { get; init; }

    /// <summary>Whether what is measured is run once before.</summary>
    internal bool WarmsUpFirst => WarmsUp && StopAfter is null;

    /// <summary>How the model is loaded.</summary>
    public LoadOptions Loading { get; init; } = new();
}
