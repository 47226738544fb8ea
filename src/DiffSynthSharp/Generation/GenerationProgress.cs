using DiffSynthSharp.Imaging;

namespace DiffSynthSharp;

/// <summary>What a job is doing.</summary>
public enum GenerationPhase
{
    /// <summary>Reading weights.</summary>
    Load,

    /// <summary>Turning the prompt (and an initial picture) into what the network takes.</summary>
    Encode,

    /// <summary>Denoising.</summary>
    Step,

    /// <summary>Turning latents into a picture.</summary>
    Decode,

    /// <summary>Writing weights.</summary>
    Write,
}

/// <summary>How far a job is. Reported on the job's own thread.</summary>
/// <param name="Phase">What is being done.</param>
/// <param name="Done">Parts done: tensors, prompts, steps or pictures.</param>
/// <param name="Total">Parts in all.</param>
/// <param name="SecondsPerPart">Mean so far; 0 before the first part.</param>
public readonly record struct GenerationProgress(GenerationPhase Phase, int Done, int Total, double SecondsPerPart)
{
    /// <summary>Expected time to the end of this phase; null before the first part.</summary>
    public TimeSpan? Left => Done == 0 ? null : TimeSpan.FromSeconds(SecondsPerPart * (Total - Done));

    /// <summary>Something the user should read, such as what was chosen or cut; null otherwise.</summary>
    public string? Message { get; init; }

    /// <summary>After a step: what the picture would be now, decoded when called. Null otherwise.</summary>
    /// <remarks>Only for the handler itself, on the job's thread: the latents it decodes are gone when the handler returns. <see cref="Progress{T}"/> hands on too late.</remarks>
    public Func<IReadOnlyList<Picture>>? Preview { get; init; }
}

/// <summary>Seconds spent in each phase.</summary>
/// <param name="Encode">Prompt and initial picture.</param>
/// <param name="Denoise">All steps.</param>
/// <param name="Decode">Latents to picture.</param>
public readonly record struct PhaseSeconds(double Encode, double Denoise, double Decode)
{
    /// <summary>All phases.</summary>
    public double Total => Encode + Denoise + Decode;
}

/// <summary>A picture and where it came from.</summary>
/// <param name="Picture">The picture.</param>
/// <param name="Seed">Its seed.</param>
/// <param name="Latents">The latents before decoding, in the model's own scaling, row-major (channels, height, width).</param>
/// <param name="LatentShape">(channels, height, width)</param>
/// <param name="Seconds">Time per phase; of pictures denoised side by side, each has its share.</param>
public sealed record GeneratedPicture(Picture Picture, long Seed, float[] Latents, IReadOnlyList<int> LatentShape, PhaseSeconds Seconds)
{
    /// <summary>What the passes before the last one made, in their order; empty without high-resolution passes.</summary>
    public IReadOnlyList<GeneratedPicture> Earlier { get; init; } = [];

    /// <summary>What became of each LoRA of the request.</summary>
    public IReadOnlyList<LoraLedger> Loras { get; init; } = [];

    /// <summary>The decoder's output, roughly −1 … 1, row-major (channels, height, width), where the request keeps it.</summary>
    internal float[] Decoded { get; init; } = [];

    /// <summary>Writes the picture to a PNG, JPEG or WebP file, as the extension says. It appears whole or not at all.</summary>
    /// <param name="path">Ends in .png, .jpg, .jpeg or .webp.</param>
    /// <exception cref="DiffSynthException">The extension is unknown, or the file cannot be written.</exception>
    public void Save(string path) => Picture.Save(path);
}
