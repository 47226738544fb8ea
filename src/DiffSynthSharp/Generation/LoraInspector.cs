using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Families;
using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Runtime;

namespace DiffSynthSharp;

/// <summary>Says what an adapter file holds, and what of it fits a model, without loading either.</summary>
public static class LoraInspector
{
    /// <summary>Describes a file. Its header is read, and those of its tensors that hold alphas.</summary>
    /// <param name="path">An adapter of any published layout.</param>
    /// <exception cref="DiffSynthException">The file is missing, damaged, hostile or no adapter.</exception>
    public static LoraDescription Inspect(string path)
    {
        TorchRuntime.EnsureLoaded();
        using var file = LoraFile.Open(path);
        return LoraDescription.Of(file);
    }

    /// <summary>What would become of each tensor of an adapter on a model. Of the model, headers are read only.</summary>
    /// <param name="path">An adapter of any published layout.</param>
    /// <param name="model">A checkpoint or a folder.</param>
    /// <exception cref="DiffSynthException">A file is missing, damaged, hostile or of another kind.</exception>
    public static LoraLedger Compare(string path, string model)
    {
        TorchRuntime.EnsureLoaded();
        using var files = ModelFiles.Open(model);
        using var outline = StableDiffusionOutline.Of(files);
        using var file = LoraFile.Open(path);
        using var attached = LoraAttachment.Attach(outline.Networks, file, scale: 1);
        return attached.Ledger;
    }
}
