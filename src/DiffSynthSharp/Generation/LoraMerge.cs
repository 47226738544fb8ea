using DiffSynthSharp.Families;
using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Generation;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp;

/// <summary>How LoRAs are merged into a model.</summary>
public sealed record LoraMergeOptions
{
    /// <summary>The element type of the merged model's weights; null keeps that of each tensor.</summary>
    public WeightType? Type { get; init; }

    /// <summary>Whether a LoRA that doesn't fit in every tensor is an error.</summary>
    public bool IsStrict { get; init; }
}

/// <summary>What a merge did.</summary>
/// <param name="Output">The file or folder that was written.</param>
/// <param name="Loras">What became of each LoRA.</param>
/// <param name="Changed">Tensors of the model that LoRAs changed.</param>
/// <param name="LeftOut">Files of a model folder that hold other copies of its weights, which were not merged and not copied.</param>
public sealed record LoraMergeReport(string Output, IReadOnlyList<LoraLedger> Loras, int Changed, IReadOnlyList<string> LeftOut);

/// <summary>Writes a model whose weights have LoRAs in them.</summary>
public static class LoraMerge
{
    /// <summary>Merges tensor by tensor: neither model is ever in memory whole. Tensors that no LoRA changes stay bit for bit, unless another element type is asked for.</summary>
    /// <param name="model">A checkpoint (of any kind; a safetensors file is written) or a diffusers folder.</param>
    /// <param name="loras">What to merge; they add up as they do when attached.</param>
    /// <param name="output">The file (ending in <c>.safetensors</c>) or, for a folder, the new folder to make. It appears whole or not at all.</param>
    /// <param name="options">Element type and strictness; null takes the defaults.</param>
    /// <param name="progress">Told after each tensor, on this thread; its messages say what became of each LoRA.</param>
    /// <param name="cancellation">Stops between two tensors; nothing is left behind.</param>
    /// <exception cref="DiffSynthException">A file can't be read or written, or a LoRA is for another family; the message says which.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static LoraMergeReport Merge(
        string model, IReadOnlyList<LoraUse> loras, string output, LoraMergeOptions? options = null, IProgress<GenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        options ??= new();
        if (loras.Count == 0) throw new DiffSynthException("There is nothing to merge: name at least one LoRA.");
        TorchRuntime.EnsureLoaded();
        using var files = ModelFiles.Open(model);
        foreach (var part in FamilyCatalogue.All.SelectMany(family => family.Parts)) files.Find(part.Kind); // another element type is for all of them
        if (files.IsFolder) MergedFolder.Check(model, output);
        else SafetensorsTarget.Check(output, [.. files.Sources.SelectMany(source => source.Files).Select(file => file.Path), .. loras.Select(lora => lora.Path)]);
        using var outline = StableDiffusionOutline.Of(files);
        using var stack = LoraStack.Attach(outline.Networks, StableDiffusionModel.FamilyName, loras, options.IsStrict, line => progress?.Report(new(GenerationPhase.Load, 0, loras.Count, 0) { Message = line }));
        var weights = new MergedWeights(outline, options.Type?.Stored(), MergeNote.Of(stack.Ledgers), progress, cancellation);
        var leftOut = files.IsFolder ? new MergedFolder(files, weights, output).Write() : [];
        if (!files.IsFolder) weights.WriteAll([new(output, files.Sources[0], files.Sources[0], files.Sources[0].Metadata)]);
        return new(output, stack.Ledgers, weights.Changed, leftOut);
    }
}
