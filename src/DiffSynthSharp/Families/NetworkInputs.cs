using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Control;
using DiffSynthSharp.Models.Transformers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>What a denoising network takes besides latents, timestep and text. A tile of a picture gets the same part of all of it.</summary>
internal sealed record NetworkInputs
{
    /// <summary>(n, c, h, w) joined to the latents' channels: what inpainting checkpoints want to know of the picture. Null for none.</summary>
    public Tensor? Channels { get; init; }

    /// <summary>ControlNets at work in this step.</summary>
    public IReadOnlyList<ActiveControl> Controls { get; init; } = [];

    /// <summary>Cuts the maps of attention blocks and of ControlNets; null runs them whole.</summary>
    public TileGrid? Tiles { get; init; }

    /// <summary>The guidance that a distilled network is told; null for the model's own.</summary>
    public double? EmbeddedGuidance { get; init; }

    /// <summary>Blocks of a transformer to leave out, from 0; null for none.</summary>
    public IReadOnlyCollection<int>? SkippedBlocks { get; init; }

    /// <summary>What a run of steps remembers to skip blocks; null computes every step.</summary>
    public BlockRepeats? Repeats { get; init; }

    /// <summary>Whether this is the negative prompt's branch.</summary>
    public bool Unconditional { get; init; }

    /// <summary>The inputs of one picture of a batch.</summary>
    public NetworkInputs Row(int k) => this with { Channels = Channels?.narrow(0, k, 1), Controls = [.. Controls.Select(control => control.Row(k))] };

    /// <summary>The inputs of a part of the latents.</summary>
    /// <param name="box">In latent cells.</param>
    public NetworkInputs Of(TileBox box)
        => this with { Channels = Channels is null ? null : box.Of(Channels), Controls = [.. Controls.Select(control => control.Of(box))], Repeats = null };
}
