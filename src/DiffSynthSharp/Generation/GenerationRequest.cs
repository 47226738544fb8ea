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
    /// <summary>Encoded in several rows, with one begin and one end in all (DiffSynth-Studio).</summary>
    Rows,

    /// <summary>Encoded in chunks of 75 tokens, each with its own begin and end (A1111).</summary>
    Chunks,

    /// <summary>Cut at the end of the first row (diffusers); the user is told.</summary>
    Cut,
}

/// <summary>What brackets and other signs mean in a prompt.</summary>
public enum PromptSyntax
{
    /// <summary>A1111's syntax: (weights:1.3), [less], BREAK, AND, [from:to:when], [one|other].</summary>
    Weighted,

    /// <summary>Every character is text (diffusers, DiffSynth-Studio).</summary>
    Plain,
}

/// <summary>What weighted tokens do to the mean of the text encoder's output.</summary>
public enum EmphasisMean
{
    /// <summary>It is brought back to what it was (A1111's "original").</summary>
    Restored,

    /// <summary>It stays as the weights make it (A1111's "no norm").</summary>
    Kept,
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
    /// <summary>What the picture shows; "" leaves it to the model.</summary>
    public string Prompt { get; init; } = "";

    /// <summary>What it should not show; null and "" are the empty text.</summary>
    public string? Negative { get; init; }

    /// <summary>Denoising steps, 1 … 1000.</summary>
    public int Steps { get; init; } = 20;

    /// <summary>Classifier-free guidance scale; at or below 1 the negative prompt is not evaluated. Null: the model's default.</summary>
    public double? Guidance { get; init; }

    /// <summary>0 … 1: how far the guided prediction is rescaled to the deviation of the unguided one (Lin et al. 2023, arXiv 2305.08891, section 3.4).</summary>
    public double GuidanceRescale { get; init; }

    /// <summary>The guidance that a distilled network is told (FLUX.1 dev), 0 … 100, with or without <see cref="Guidance"/> on top of it. Null: the model's, 3.5.</summary>
    public double? EmbeddedGuidance { get; init; }

    /// <summary>What T5 reads in place of the prompt, where a model has T5 beside CLIP; null for the prompt.</summary>
    public string? SecondPrompt { get; init; }

    /// <summary>Tokens of a T5 text encoder, 1 … 512; null: the family's, 512 for FLUX.1 dev, 256 for schnell and Stable Diffusion 3.</summary>
    public int? TextLength { get; init; }

    /// <summary>Skip-layer guidance of Stable Diffusion 3.5; null for none.</summary>
    public SkipLayers? SkipLayers { get; init; }

    /// <summary>
    /// Steps whose input changed less than this since the last computed one repeat what it added (TeaCache, FLUX.1 only), 0.05 … 2; null computes every step.
    /// </summary>
    public double? CacheThreshold { get; init; }

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

    /// <summary>Models trained by flow matching: how far noise levels are moved towards the noise, 0.01 … 100; 1 leaves them. Null: the model's own, which may follow the picture's size.</summary>
    public double? Shift { get; init; }

    /// <summary>"epsilon", "v" or "flow"; null: the folder's configuration, else the family's.</summary>
    public string? Prediction { get; init; }

    /// <summary>1 takes the text encoder's last layer, 2 the one before (A1111's counting).</summary>
    public int ClipSkip { get; init; } = 1;

    /// <summary>The same for the negative prompt; null: as for the prompt (A1111, DiffSynth-Studio). diffusers always takes its last layer, 1.</summary>
    public int? NegativeClipSkip { get; init; }

    /// <summary>What becomes of a prompt that doesn't fit one row of tokens.</summary>
    public LongPrompt LongPrompt { get; init; } = LongPrompt.Rows;

    /// <summary>What signs mean in the prompts.</summary>
    public PromptSyntax Syntax { get; init; } = PromptSyntax.Weighted;

    /// <summary>What weights in a prompt do to the mean of its encoding.</summary>
    public EmphasisMean EmphasisMean { get; init; } = EmphasisMean.Restored;

    /// <summary>Textual inversions, named in a prompt by their keywords.</summary>
    public IReadOnlyList<EmbeddingUse> Embeddings { get; init; } = [];

    /// <summary>Image-to-image; null for text-to-image.</summary>
    public InitImage? Init { get; init; }

    /// <summary>Inpainting: which part of <see cref="Init"/>'s picture is made anew; null for all of it.</summary>
    public InpaintMask? Mask { get; init; }

    /// <summary>Further passes, each over the picture of the one before, enlarged.</summary>
    public IReadOnlyList<HighResPass> HighRes { get; init; } = [];

    /// <summary>Cuts large pictures into tiles, to save memory; null runs everything whole.</summary>
    public TileSettings? Tiles { get; init; }

    /// <summary>Prompts for parts of the picture.</summary>
    public IReadOnlyList<PromptRegion> Regions { get; init; } = [];

    /// <summary>How far a region's border is softened: the deviation of a Gaussian in latent cells, 0 … 64. Null: 10, less for pictures below 512 pixels.</summary>
    public double? RegionBlur { get; init; }

    /// <summary>LoRAs that change the networks for this request alone. They add up.</summary>
    public IReadOnlyList<LoraUse> Loras { get; init; } = [];

    /// <summary>Whether a LoRA that doesn't fit the model in every module is an error.</summary>
    public bool StrictLoras { get; init; }

    /// <summary>ControlNets that lead the picture.</summary>
    public IReadOnlyList<ControlUse> Controls { get; init; } = [];

    /// <summary>Pictures denoised side by side. Changes memory, never a picture.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>How the picture's bytes are made.</summary>
    public ByteRounding Rounding { get; init; } = ByteRounding.Nearest;

    /// <summary>The numbers of the noise schedule in place of the model's own.</summary>
    internal SchedulerSettings? Scheduler { get; init; }

    /// <summary>Whether the decoder's output is kept beside the picture's bytes.</summary>
    internal bool KeepDecoded { get; init; }

    /// <summary>Checks what can be checked without a model: ranges and names.</summary>
    /// <exception cref="DiffSynthException">A value is out of range or a name is unknown; the message says what fits.</exception>
    public void Validate() => Generation.RequestCheck.Values(this);
}
