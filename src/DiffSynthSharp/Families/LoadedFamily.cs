using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.Control;
using DiffSynthSharp.Prompts;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>
/// A model of some family, ready to run. Generation is written once against this: encode a prompt, predict, and translate between
/// pictures and latents.
/// </summary>
internal abstract class LoadedFamily : IDisposable
{
    /// <summary>Latent cells of a tile's side that suit networks whose blocks are tiled.</summary>
    public const int TileOfBlocks = 64;

    protected LoadedFamily() => Controls = new(LoadControlNet);

    /// <summary>The family's name, as users say it.</summary>
    public abstract string Name { get; }

    public abstract LatentFormat Latents { get; }

    /// <summary>Sides are multiples of this many pixels.</summary>
    public abstract int SizeMultiple { get; }

    public abstract (int Width, int Height) DefaultSize { get; }

    public abstract double DefaultGuidance { get; }

    /// <summary>The guidance that a distilled network is told; null for networks that are told none.</summary>
    public virtual double? DefaultEmbeddedGuidance => null;

    /// <summary>
    /// From the relative change of the network's input between steps to that of its output, highest power first, by which steps are skipped (TeaCache);
    /// null for families that can't.
    /// </summary>
    public virtual IReadOnlyList<double>? ChangePolynomial => null;

    /// <summary>How many blocks of the network skip-layer guidance can choose from; 0 for families without it.</summary>
    public virtual int SkippableBlocks => 0;

    /// <summary>Whether T5 can be given another text than the prompt.</summary>
    public virtual bool ReadsSecondPrompt => false;

    /// <summary>Whether the row of T5's tokens, or of the zeros in their place, can have another length.</summary>
    public virtual bool ReadsTextLength => false;

    /// <summary>Whether the layers of CLIP that a prompt is read from, its further rows, and the mean of weighted ones can be chosen: whether its states are attended to.</summary>
    public virtual bool AttendsToClip => true;

    /// <summary>Whether blocks of the network can be tiled one by one; others are tiled as a whole.</summary>
    public virtual bool TilesBlocks => true;

    /// <summary>The noise schedule and sampler that the model's files or its family name.</summary>
    public abstract SchedulerSettings Scheduler { get; }

    public abstract Device Device { get; }

    /// <summary>The networks that LoRAs may change.</summary>
    public abstract IReadOnlyList<AdaptedNetwork> AdaptedNetworks { get; }

    /// <summary>Encodes what a prompt is at one step.</summary>
    /// <param name="text">Any text; "" is the empty text. AND and editing are resolved before.</param>
    /// <param name="reading">How it is read.</param>
    /// <param name="say">Takes a line for the user when something about the prompt deserves one.</param>
    /// <exception cref="DiffSynthException">The text, or what was asked of its encoding, doesn't fit the model.</exception>
    public abstract Conditioning Encode(string text, PromptReading reading, Action<string> say);

    /// <summary>Reads textual inversions for this model's text encoder.</summary>
    /// <exception cref="DiffSynthException">A file is damaged or was made for another family.</exception>
    public abstract EmbeddingTable LoadEmbeddings(IReadOnlyList<EmbeddingUse> uses);

    /// <summary>A conditioning of the usual length that says nothing, for measurements.</summary>
    public abstract Conditioning Blank();

    /// <summary>The network's raw prediction.</summary>
    /// <param name="latents">(B, C, h, w) in the network's own scaling</param>
    /// <param name="timestep">In training timesteps.</param>
    /// <param name="text">A row per row of the latents.</param>
    /// <param name="inputs">What else the network takes.</param>
    public abstract Tensor Predict(Tensor latents, double timestep, Conditioning text, NetworkInputs inputs);

    /// <summary>How the networks' weights are kept.</summary>
    public virtual MemoryMode Mode => MemoryMode.Full;

    /// <summary>Tiles that the autoencoder works in where a request asks for none, in latent cells; null for the whole map at once.</summary>
    /// <param name="pass">Sides of the picture in pixels.</param>
    public TileGrid? AutoencoderTiles((int Width, int Height) pass) => AutoencoderTiling.In(Mode, (long)pass.Width / Latents.Reduction * (pass.Height / Latents.Reduction));

    /// <summary>Side of a tile in latent cells, where a request names none.</summary>
    public virtual int DefaultTile => TileOfBlocks;

    /// <summary>Runs the whole network on overlapping tiles of the latents and blends the results.</summary>
    /// <param name="latents">(1, C, h, w)</param>
    /// <param name="grid">In latent cells.</param>
    /// <param name="predict">A tile and where it lies, to the network's prediction.</param>
    public virtual Tensor PredictInTiles(Tensor latents, TileGrid grid, Func<Tensor, TileBox, Tensor> predict) => StepTiles.Run(latents, grid, predict);

    /// <summary>What the denoising network has read at its uses.</summary>
    public virtual DiskUse DiskUse => default;

    /// <summary>Called before a phase: what it doesn't need may leave memory, and comes back when it is used.</summary>
    public virtual void Begin(ModelPhase phase)
    {
    }

    /// <summary>Channels the network takes besides the latents: 5 for inpainting checkpoints (mask, latents of the masked picture), else 0.</summary>
    public abstract long ExtraChannels { get; }

    /// <summary>Picture to the encoder's distribution, unscaled.</summary>
    /// <param name="picture">(1, 3, H, W) in −1 … 1</param>
    /// <param name="tiles">In pixels; null encodes it whole.</param>
    public abstract Posterior EncodePicture(Tensor picture, TileGrid? tiles = null);

    /// <summary>Latents in the model's own scaling to a picture.</summary>
    /// <param name="latents">(1, C, h, w)</param>
    /// <param name="tiles">In latent cells; null decodes them whole.</param>
    /// <returns>(1, 3, H, W), roughly −1 … 1</returns>
    public abstract Tensor DecodeLatents(Tensor latents, TileGrid? tiles = null);

    /// <summary>ControlNets that were used last.</summary>
    public LoadedControls Controls { get; }

    /// <summary>Opens a ControlNet for this model.</summary>
    /// <param name="path">A file or folder.</param>
    /// <exception cref="DiffSynthException">It is missing, damaged, of another kind, or made for another model; the message says which.</exception>
    protected abstract ControlNet LoadControlNet(string path);

    public virtual void Dispose() => Controls.Dispose();
}
