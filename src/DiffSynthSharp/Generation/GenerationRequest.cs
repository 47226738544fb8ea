using DiffSynthSharp.Imaging;
using DiffSynthSharp.Sampling;

namespace DiffSynthSharp;

/// <summary>Which value of the encoder's distribution a picture's latents take.</summary>
public enum LatentPosterior
{
    /// <summary>The mean.</summary>
    Mean,

    /// <summary>A sample, drawn from the picture's generator before its noise (diffusers).</summary>
    Sample,
}

/// <summary>How image-to-image shortens the schedule.</summary>
public enum StepList
{
    /// <summary>As the schedule's own reference does: DiffSynth's spreads, the others keep.</summary>
    BySchedule,

    /// <summary>The last <c>steps × strength</c> steps of the whole schedule.</summary>
    Kept,

    /// <summary>All steps over the shortened range.</summary>
    Spread,
}

/// <summary>What becomes of a prompt that is longer than the text encoder's row of tokens.</summary>
public enum LongPrompt
{
    /// <summary>Encoded in several rows (DiffSynth-Studio).</summary>
    Rows,

    /// <summary>Cut at the end of the first row (diffusers); the user is told.</summary>
    Cut,
}

/// <summary>The picture that image-to-image starts from.</summary>
/// <param name="Picture">Of the size that is asked for.</param>
/// <param name="Strength">0 keeps the picture, 1 replaces it.</param>
/// <param name="Posterior">Mean unless asked otherwise.</param>
/// <param name="Steps">By the schedule unless asked otherwise.</param>
public sealed record InitImage(
    Picture Picture, double Strength = 0.75, LatentPosterior Posterior = LatentPosterior.Mean, StepList Steps = StepList.BySchedule);

/// <summary>Everything one generation is asked for. Null means the model's own default.</summary>
public sealed record GenerationRequest
{
    /// <summary>What the picture shows.</summary>
    public required string Prompt { get; init; }

    /// <summary>What it should not show; null and "" are the empty text.</summary>
    public string? Negative { get; init; }

    /// <summary>Denoising steps, 1 … 1000.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>Classifier-free guidance scale; at or below 1 the negative prompt is not evaluated. Null: the model's default.</summary>
    public double? Guidance { get; init; }

    /// <summary>0 … 1: how far the guided prediction is rescaled to the deviation of the unguided one (Lin et al. 2023, arXiv 2305.08891, section 3.4).</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>One picture per seed; each picture depends on its own seed alone.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [0];

    /// <summary>Pixels; null: the initial picture's width, else the model's.</summary>
    public int? Width { get; init; }

    /// <summary>Pixels; null: the initial picture's height, else the model's.</summary>
    public int? Height { get; init; }

    /// <summary>Name of the sampler; null: the folder's configuration, else DDIM.</summary>
    public string? Sampler { get; init; }

    /// <summary>Name of the schedule; null: the folder's configuration, else DiffSynth's.</summary>
    public string? Schedule { get; init; }

    /// <summary>"epsilon" or "v"; null: the folder's configuration, else epsilon.</summary>
    public string? Prediction { get; init; }

    /// <summary>1 takes the text encoder's last layer, 2 the one before (A1111's counting).</summary>
    public int ClipSkip { get; init; } = 1;

    /// <summary>The same for the negative prompt; null: as for the prompt (A1111, DiffSynth-Studio). diffusers always takes its last layer, 1.</summary>
    public int? NegativeClipSkip { get; init; }

    /// <summary>What becomes of a prompt that doesn't fit one row of tokens.</summary>
    public LongPrompt LongPrompt { get; init; } = LongPrompt.Rows;

    /// <summary>Image-to-image; null for text-to-image.</summary>
    public InitImage? Init { get; init; }

    /// <summary>Pictures denoised side by side. Changes memory, never a picture.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>How the picture's bytes are made.</summary>
    public ByteRounding Rounding { get; init; } = ByteRounding.Nearest;

    /// <summary>The numbers of the noise schedule in place of the model's own.</summary>
    internal SchedulerSettings? Scheduler { get; init; }

    /// <summary>Checks what can be checked without a model: ranges and names.</summary>
    /// <exception cref="DiffSynthException">A value is out of range or a name is unknown; the message says what fits.</exception>
    public void Validate() => Generation.RequestCheck.Values(this);
}
