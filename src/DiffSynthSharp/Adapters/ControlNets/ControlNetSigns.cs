using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Adapters.ControlNets;

/// <summary>Tells ControlNets of Stable Diffusion 1.x from files that people take for them.</summary>
internal static class ControlNetSigns
{
    private const string Usable = "--control";

    /// <summary>Refuses ControlNets and adapters of other kinds.</summary>
    /// <exception cref="DiffSynthException">It is one; the message says which.</exception>
    public static void RefuseOthers(string path, ITensorSource source)
    {
        if (source.Entries.ContainsKey("difference"))
            throw new DiffSynthException($"'{path}' holds a ControlNet as differences from a base model, which can't be used alone. Choose the whole file.");
        if (FamilySigns.Look([source]) is [{ Sign: { Kind: SignKind.Adapter, Use: not Usable } other }])
            throw new DiffSynthException($"'{path}' looks like {other}. This model needs a ControlNet made for Stable Diffusion 1.x, such as control_v11p_sd15_canny.");
    }

    /// <summary>What to say of a file in which no ControlNet was found.</summary>
    public static DiffSynthException NoControlNet(string path, ITensorSource source) => new(
        $"'{path}' holds no ControlNet of Stable Diffusion 1.x. {FamilySigns.Describe(source)} Expected names such as 'control_model.input_hint_block.…' or 'controlnet_cond_embedding.…'.");
}
