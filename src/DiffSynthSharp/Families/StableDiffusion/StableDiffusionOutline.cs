using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Families.StableDiffusion;

/// <summary>The networks of a model that adapters may change, with the sizes of its files and without weights: parameters stay on META.</summary>
internal sealed class StableDiffusionOutline : IDisposable
{
    private readonly List<(AdaptedNetwork Network, ComponentWeights Weights)> _parts = [];

    private StableDiffusionOutline()
    {
    }

    /// <summary>The networks.</summary>
    public IReadOnlyList<AdaptedNetwork> Networks => [.. _parts.Select(part => part.Network)];

    /// <summary>Each network with its tensors in the files.</summary>
    public IReadOnlyList<(AdaptedNetwork Network, ComponentWeights Weights)> Parts => _parts;

    /// <summary>Builds the networks that a model's files hold.</summary>
    /// <param name="files">The files; they must stay open as long as tensors are read.</param>
    /// <exception cref="DiffSynthException">There is neither a U-Net nor a text encoder, or one of them isn't complete.</exception>
    public static StableDiffusionOutline Of(ModelFiles files)
    {
        var outline = new StableDiffusionOutline();
        try
        {
            if (files.Find(StableDiffusionFamily.UNetKind) is { Weights: var unet }) outline.Add(StableDiffusionModel.Adapted(new UNet(UNetConfig.Detect(unet.Shapes))), unet, "U-Net");
            if (files.Find(StableDiffusionFamily.TextKind) is { Weights: var text }) outline.Add(StableDiffusionModel.Adapted(new ClipTextEncoder(ClipTextConfig.Detect(text))), text, "text encoder");
            if (outline._parts.Count > 0) return outline;
        }
        catch
        {
            outline.Dispose();
            throw;
        }
        throw new DiffSynthException(
            $"'{files.Path}' holds no network of Stable Diffusion 1.x that a LoRA could change. {FamilyCatalogue.Describe(files)} `diffsynth inspect` lists what it holds.");
    }

    public void Dispose()
    {
        foreach (var (network, _) in _parts) network.Network.Dispose();
    }

    private void Add(AdaptedNetwork network, ComponentWeights weights, string what)
    {
        _parts.Add((network, weights));
        WeightLoader.Verify([.. network.Network.named_parameters().Select(parameter => (parameter.name, parameter.parameter.shape))], weights, what);
    }
}
