using DiffSynthSharp.Tests.Goldens;

namespace DiffSynthSharp.Tests.Generation;

/// <summary>The tiny Stable Diffusion 1.x of the fixtures, as files a user would have.</summary>
internal static class TinyModel
{
    private static readonly GoldenFolder s_golden = GoldenFolder.All().First(folder => folder.Name == "pipeline-sd15");

    /// <summary>A diffusers folder.</summary>
    public static string Folder => PipelineModels.Folder(s_golden, "folder");

    /// <summary>A single checkpoint, with its tokenizer beside it.</summary>
    public static string SingleFile => Path.Combine(PipelineModels.Folder(s_golden, "single"), "model.safetensors");

    /// <summary>A single checkpoint whose U-Net takes nine channels.</summary>
    public static string InpaintingFile => Path.Combine(PipelineModels.Folder(s_golden, "single-inpaint"), "model.safetensors");

    /// <summary>A request small enough for a test.</summary>
    public static GenerationRequest Request { get; } = new() { Prompt = "a red car parked by the sea", Width = 64, Height = 64, Steps = 3, Sampler = "euler-a", Seeds = [7] };
}
