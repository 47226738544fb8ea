using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;

namespace DiffSynthSharp;

/// <summary>Which part of a picture is made anew.</summary>
/// <param name="Picture">White is made anew, black stays; resized to the picture when it has another size.</param>
public sealed record InpaintMask(Picture Picture)
{
    /// <summary>Pixels (the deviation of a Gaussian) by which the edge is softened, 0 … 64.</summary>
    public double Blur { get; init; } = 4;

    /// <summary>Pixels by which the white part grows before it is blurred; negative shrinks it. −256 … 256.</summary>
    public int Expand { get; init; }

    /// <summary>Whether what the mask leaves black gets its own pixels back, bit for bit.</summary>
    public bool PasteOriginal { get; init; } = true;
}

/// <summary>A further pass of image-to-image over the enlarged picture of the pass before ("high-res fix").</summary>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
public sealed record HighResPass(int Width, int Height)
{
    /// <summary>0 keeps the enlarged picture, 1 replaces it.</summary>
    public double Strength { get; init; } = 0.7;

    /// <summary>Steps of this pass; null: as many as the first pass.</summary>
    public int? Steps { get; init; }

    /// <summary>File of an ESRGAN network that enlarges the picture before it is resized to this pass's size; null resizes alone.</summary>
    public string? Upscaler { get; init; }

    /// <summary>How the picture is resized.</summary>
    public ResizeFilter Resize { get; init; } = ResizeFilter.Bicubic;

    /// <summary>Mean unless asked otherwise.</summary>
    public LatentPosterior Posterior { get; init; } = LatentPosterior.Mean;

    /// <summary>By the schedule unless asked otherwise.</summary>
    public StepList StepList { get; init; } = StepList.BySchedule;

    /// <summary>A seed of its own; null goes on drawing from the picture's generator.</summary>
    public long? Seed { get; init; }
}

/// <summary>What of the denoising network is cut into tiles.</summary>
public enum TiledNetwork
{
    /// <summary>Blocks up to 2048 × 2048 pixels, steps above, where whole maps would no longer fit the memory.</summary>
    Automatic,

    /// <summary>Each attention block by itself, in cells of its own map; all else runs whole (DiffSynth-Studio).</summary>
    Blocks,

    /// <summary>The whole network, tile by tile: memory stays that of one tile.</summary>
    Steps,

    /// <summary>Nothing; only the autoencoder is tiled.</summary>
    None,
}

/// <summary>Overlapping tiles that are blended where they meet.</summary>
/// <param name="Tile">Side of a tile in latent cells (8 pixels each); 0 is the family's own, 64 for Stable Diffusion 1.x and 128 for transformers.</param>
/// <param name="Stride">Distance between tiles in latent cells; 0 is half a tile, which overlaps well.</param>
public sealed record TileSettings(int Tile = 0, int Stride = 0)
{
    /// <summary>The same with every number known.</summary>
    /// <param name="side">The family's own tile.</param>
    internal TileSettings For(int side)
    {
        var tile = Tile == 0 ? side : Tile;
        return this with { Tile = tile, Stride = Stride == 0 ? Math.Max(1, tile / 2) : Stride };
    }

    /// <summary>What of the denoising network is tiled.</summary>
    public TiledNetwork Network { get; init; } = TiledNetwork.Automatic;

    /// <summary>Tiles of the encoder in pixels; null: the same area as the other tiles.</summary>
    internal TileGrid? Encoder { get; init; }
}

/// <summary>A prompt for a part of the picture.</summary>
/// <param name="Mask">White is where it counts; of any size.</param>
/// <param name="Prompt">What is there.</param>
/// <param name="Scale">Weight against the main prompt, which counts 1 everywhere; more than 0.</param>
/// <remarks>modelscope/DiffSynth-Studio, local prompts: one more prediction per step and region, blended with softened masks.</remarks>
public sealed record PromptRegion(Picture Mask, string Prompt, double Scale = 1);

/// <summary>Leads away from what the network predicts without some of its blocks, besides the guidance by the negative prompt.</summary>
/// <param name="Blocks">Blocks to leave out, from 0; Stability AI's for 3.5 medium are 7, 8, 9.</param>
/// <remarks>huggingface/diffusers, pipeline_stable_diffusion_3.py, <c>skip_guidance_layers</c>.</remarks>
public sealed record SkipLayers(IReadOnlyList<int> Blocks)
{
    /// <summary>Weight of the difference, 0 … 100.</summary>
    public double Scale { get; init; } = 2.8;

    /// <summary>Share of the steps after which it begins.</summary>
    public double Start { get; init; } = 0.01;

    /// <summary>Share of the steps before which it ends.</summary>
    public double End { get; init; } = 0.2;
}

/// <summary>A LoRA in use.</summary>
/// <param name="Path">Its file, in any published layout.</param>
/// <param name="Scale">1 is as trained; negative goes the other way.</param>
public sealed record LoraUse(string Path, double Scale = 1)
{
    /// <summary>Whether the file's alphas are ignored (DiffSynth-Studio).</summary>
    public bool IgnoreAlpha { get; init; }
}

/// <summary>A textual inversion in use.</summary>
/// <param name="Path">Its file.</param>
public sealed record EmbeddingUse(string Path)
{
    /// <summary>What names it in a prompt; null: the file's name without its extension.</summary>
    public string? Keyword { get; init; }
}

/// <summary>A ControlNet in use.</summary>
/// <param name="Path">Its file or folder.</param>
/// <param name="Picture">What it follows; null takes the picture of the pass before, and leaves the first pass without this control.</param>
public sealed record ControlUse(string Path, Picture? Picture)
{
    /// <summary>What turns the picture into what the ControlNet was trained on, such as "canny"; "none" when it already is.</summary>
    public string Annotator { get; init; } = "none";

    /// <summary>The annotator's weights, where it needs any.</summary>
    public string? AnnotatorFile { get; init; }

    /// <summary>How strongly it leads, 0 … 10.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Where in the steps it begins, 0 … 1.</summary>
    public double Start { get; init; }

    /// <summary>Where in the steps it ends, 0 … 1.</summary>
    public double End { get; init; } = 1;

    /// <summary>Guess mode: the negative prompt's branch is left without control, and coarse maps are led more than fine ones.</summary>
    public bool Guess { get; init; }
}
