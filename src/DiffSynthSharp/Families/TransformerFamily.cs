using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.Control;
using DiffSynthSharp.Prompts;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>What a model's files and options say, whatever its transformer.</summary>
/// <param name="Latents">How latents relate to pictures.</param>
/// <param name="Scheduler">Noise schedule and sampler.</param>
/// <param name="Device">Where the networks are.</param>
/// <param name="Mode">How their weights are kept.</param>
internal sealed record TransformerSetup(LatentFormat Latents, SchedulerSettings Scheduler, Device Device, MemoryMode Mode);

/// <summary>What models with a transformer over patches of latents have in common: the autoencoder, sizes, and networks that take turns in memory.</summary>
/// <param name="setup">What its files and options say.</param>
/// <param name="autoencoder">Owned by the model.</param>
internal abstract class TransformerFamily(TransformerSetup setup, ResidentNetwork<AutoencoderKl> autoencoder) : LoadedFamily
{
    /// <summary>Pixels of a side of the pictures that such models were trained on last.</summary>
    public const int PublishedSide = 1024;

    private const int TileOfSteps = 128;

    /// <summary>Latent cells along a side of a token.</summary>
    public const int Patch = 2;

    public override LatentFormat Latents => setup.Latents;

    public override SchedulerSettings Scheduler => setup.Scheduler;

    public override Device Device => setup.Device;

    public override MemoryMode Mode => setup.Mode;

    public override int SizeMultiple => Latents.Reduction * Patch;

    public override (int Width, int Height) DefaultSize => (PublishedSide, PublishedSide);

    public override long ExtraChannels => 0;

    public override bool TilesBlocks => false;

    public override int DefaultTile => TileOfSteps;

    public override IReadOnlyList<AdaptedNetwork> AdaptedNetworks => [];

    public override EmbeddingTable LoadEmbeddings(IReadOnlyList<EmbeddingUse> uses) => uses.Count == 0 ? EmbeddingTable.Empty
        : throw new DiffSynthException($"'{uses[0].Path}': textual inversions for {Name} are not supported.");

    protected override ControlNet LoadControlNet(string path) => throw new DiffSynthException($"'{path}': ControlNets for {Name} are not supported yet.");

    public override Posterior EncodePicture(Tensor picture, TileGrid? tiles = null) => autoencoder.Network.Encode(picture, tiles);

    public override Tensor DecodeLatents(Tensor latents, TileGrid? tiles = null)
    {
        using var unscaled = latents / Latents.Scale + Latents.Shift;
        return autoencoder.Network.Decode(unscaled, tiles);
    }

    /// <summary>A model before it is loaded.</summary>
    /// <param name="latents">How latents relate to pictures.</param>
    /// <param name="guidance">The classifier-free guidance scale that suits the model.</param>
    /// <param name="networks">In the order in which they are loaded.</param>
    public static FamilyOutline Outline(LatentFormat latents, double guidance, IReadOnlyList<NetworkOutline> networks)
        => new(latents, (PublishedSide, PublishedSide), latents.Reduction * Patch, guidance, TilesBlocks: false, networks)
        {
            LeavesTextOut = true,
            TakesTurns = mode => mode != MemoryMode.Full,
            DefaultTile = TileOfSteps,
        };

    public override void Begin(ModelPhase phase)
    {
        if (setup.Mode == MemoryMode.Full) return;
        if (phase != ModelPhase.Encode) ReleaseText();
        if (phase != ModelPhase.Denoise) ReleaseTransformer();
        if (phase == ModelPhase.Encode) autoencoder.Release();
    }

    /// <summary>Gives the text encoders' memory back until the next prompt.</summary>
    protected abstract void ReleaseText();

    /// <summary>Gives the transformer's memory back until the next step.</summary>
    protected abstract void ReleaseTransformer();

    public override void Dispose()
    {
        base.Dispose();
        autoencoder.Dispose();
    }
}
