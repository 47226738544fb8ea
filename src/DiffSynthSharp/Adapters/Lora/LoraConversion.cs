using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp;

/// <summary>How an adapter file is converted.</summary>
public sealed record LoraConversionOptions
{
    /// <summary>The element type to write; null keeps that of each tensor, and with it every value bit for bit.</summary>
    public WeightType? Type { get; init; }

    /// <summary>Whether tensors that belong to no adapter, and alphas that can't be folded without rounding, are errors.</summary>
    public bool IsStrict { get; init; }
}

/// <summary>What a conversion did.</summary>
/// <param name="Path">The file that was read.</param>
/// <param name="Output">The file that was written.</param>
/// <param name="From">The layout of most of its modules.</param>
/// <param name="To">The layout that was written.</param>
/// <param name="Modules">Modules that were written.</param>
/// <param name="Tensors">Tensors that were written.</param>
public sealed record LoraConversionReport(string Path, string Output, LoraLayout From, LoraLayout To, int Modules, int Tensors)
{
    /// <summary>Modules whose alpha was multiplied into the up factor, because the layout has no place for it.</summary>
    public int Folded { get; init; }

    /// <summary>Of those, modules whose product had to be rounded.</summary>
    public int Rounded { get; init; }

    /// <summary>Tensors that were not written: they belong to no adapter, or lack their partner.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>One line for the user.</summary>
    public string Summary
    {
        get
        {
            var alphas = To switch
            {
                LoraLayout.Kohya => "alphas are tensors of their own",
                LoraLayout.Peft => $"alphas are in the header's {PeftAlphas.Note}",
                _ when Folded == 0 => "every alpha equals its rank, so none is lost",
                _ => $"alphas have no place there and were multiplied into {Folded} up factors{(Rounded > 0 ? $", {Rounded} of them rounded" : "")}",
            };
            var rest = LeftOut.Count == 0 ? "" : $"; {LeftOut.Count} tensors that belong to no complete module were left out, such as '{OneLine.Of(LeftOut[0])}'";
            return $"{System.IO.Path.GetFileName(Path)}: {Modules} modules from {LoraRefusal.NameOf(From)} to {LoraRefusal.NameOf(To)}; {alphas}{rest}.";
        }
    }
}

/// <summary>Writes an adapter file in another tool's layout, so that this tool loads it with the same effect.</summary>
public static class LoraConversion
{
    /// <summary>Converts a file. Names of U-Nets and CLIP text encoders of Stable Diffusion and SDXL are known; a file that is in the layout already keeps its names.</summary>
    /// <param name="path">An adapter of any published layout.</param>
    /// <param name="output">The file to make or replace; its name ends in <c>.safetensors</c>. It appears whole or not at all.</param>
    /// <param name="to">The layout to write.</param>
    /// <param name="options">Element type and strictness; null takes the defaults.</param>
    /// <exception cref="DiffSynthException">The file is no adapter, the layout has no place for a module (the message names it and says what to do), or the output can't be written.</exception>
    public static LoraConversionReport Convert(string path, string output, LoraLayout to, LoraConversionOptions? options = null)
    {
        options ??= new();
        SafetensorsTarget.Check(output, [path]);
        TorchRuntime.EnsureLoaded();
        using var file = LoraFile.Open(path);
        var plan = LoraConversionPlan.Of(file, to, options.Type?.Stored());
        if (options.IsStrict && plan.LeftOut.Count > 0)
            throw new DiffSynthException($"'{path}' holds {plan.LeftOut.Count} tensors that belong to no complete module, such as '{OneLine.Of(plan.LeftOut[0])}', which --strict doesn't leave out.");
        var tensors = plan.Tensors.ToDictionary(tensor => tensor.Target.Name);
        SafetensorsWriter.Write(output, tensors.Values.Select(tensor => tensor.Target), entry =>
        {
            var value = tensors[entry.Name].Read(file);
            return !options.IsStrict || tensors[entry.Name] is not LoraTensor.Folded { IsRounded: true } folded ? value
                : throw new DiffSynthException($"'{path}': the alpha of '{OneLine.Of(folded.Source)}' can't be multiplied in without rounding, which --strict doesn't do. Write it with --type f32, or with --to kohya or peft.");
        }, plan.Metadata);
        var folded = tensors.Values.OfType<LoraTensor.Folded>().ToList();
        return new(path, output, file.Layout, to, file.Modules.Count(module => plan.KeepsNames || module.IsComplete), tensors.Count)
        {
            Folded = folded.Count,
            Rounded = folded.Count(tensor => tensor.IsRounded),
            LeftOut = plan.LeftOut,
        };
    }
}
