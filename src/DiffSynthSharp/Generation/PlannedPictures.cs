namespace DiffSynthSharp;

/// <summary>Pictures whose memory and time are to be foretold. Null means the model's own default.</summary>
public sealed record PlannedPictures
{
    /// <summary>Pixels.</summary>
    public (int Width, int Height)? Size { get; init; }

    /// <summary>Denoising steps, 1 … 1000.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>Classifier-free guidance scale; at or below 1 a step asks the network once.</summary>
    public double? Guidance { get; init; }

    /// <summary>How many pictures.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Pictures denoised side by side.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Tokens of a T5 text encoder, 1 … 512.</summary>
    public int? TextLength { get; init; }

    /// <summary>Cuts large pictures into tiles; null runs everything whole.</summary>
    public TileSettings? Tiles { get; init; }

    /// <summary>The same as a request, for checks and schedules.</summary>
    internal GenerationRequest Request => new()
    {
        Steps = Steps,
        Guidance = Guidance,
        Seeds = [.. Enumerable.Range(0, Count).Select(seed => (long)seed)],
        Batch = Batch,
        TextLength = TextLength,
        Tiles = Tiles,
    };
}
