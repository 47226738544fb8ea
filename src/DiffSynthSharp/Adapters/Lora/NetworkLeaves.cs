using DiffSynthSharp.Layers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>A network that adapters may change.</summary>
/// <param name="Kind">What files call it: "unet" (any denoiser), "text_encoder" …</param>
/// <param name="Network">The network.</param>
/// <param name="Diffusers">Our names and diffusers'.</param>
/// <param name="DiffSynth">Our names and DiffSynth-Studio's, or null when they are not known.</param>
internal sealed record AdaptedNetwork(string Kind, nn.Module Network, KeyMap Diffusers, KeyMap? DiffSynth = null);

/// <summary>The layers of a network by every name that adapter files give them.</summary>
/// <remarks>Names are made from the network rather than taken apart from the file, so that an underscore in a kohya name is never guessed at.</remarks>
internal sealed class NetworkLeaves
{
    private readonly Dictionary<string, (string Canonical, Leaf Leaf)> _byName = new(StringComparer.Ordinal);

    public NetworkLeaves(AdaptedNetwork network)
    {
        Kind = network.Kind;
        foreach (var (ours, module) in network.Network.named_modules())
        {
            if (module is not Leaf leaf || module is Embedding) continue;
            var canonical = network.Diffusers.ToTheirs(ours) ?? ours;
            foreach (var name in new[] { canonical, ours, network.DiffSynth?.ToTheirs(ours), WithoutRoot(canonical) }.OfType<string>().SelectMany(name => new[] { name, LoraNames.Underscored(name) }))
                _byName.TryAdd(name, (canonical, leaf));
        }
    }

    public string Kind { get; }

    /// <summary>Whether a module of a file can be meant for this network.</summary>
    public bool Takes(LoraModule module) => module.Network is null || module.Network == Kind;

    /// <summary>The layer that a module names, with diffusers' name of it.</summary>
    public bool TryFind(LoraModule module, out (string Canonical, Leaf Leaf) found) => _byName.TryGetValue(module.Name, out found);

    // transformers 5 writes a text encoder's names without their root.
    private static string? WithoutRoot(string name) => name.StartsWith("text_model.", StringComparison.Ordinal) ? name["text_model.".Length..] : null;
}
