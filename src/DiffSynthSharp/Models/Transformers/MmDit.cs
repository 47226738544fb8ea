using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>The denoising transformer of Stable Diffusion 3 and 3.5: joint blocks over text and patches of the latents.</summary>
/// <remarks>
/// Esser et al. (2024), arXiv 2403.03206; Stability-AI/sd3.5, mmditx.py, MMDiTX; keys below <c>model.diffusion_model</c>, but for the position table,
/// a bare tensor there, which is <c>pos_embed.table</c> here.
/// </remarks>
internal sealed class MmDit : nn.Module<Tensor, Tensor, Tensor, Tensor, Tensor>
{
    private const int PixelsPerCell = 8;

    [Key("x_embedder")] private readonly PatchEmbed _patches;
    [Key("pos_embed")] private readonly MmDitPositions _positions;
    [Key("t_embedder")] private readonly VectorEmbed _time;
    [Key("y_embedder")] private readonly VectorEmbed _pooled;
    [Key("context_embedder")] private readonly Linear _context;
    [Key("joint_blocks")] private readonly ModuleList<MmDitBlock> _blocks;
    [Key("final_layer")] private readonly FinalLayer _head;

    public MmDit(MmDitConfig config) : base(nameof(MmDit))
    {
        Config = config;
        _patches = new PatchEmbed(config);
        _positions = new MmDitPositions(config.PositionSide, config.Width);
        _time = new VectorEmbed(config.FrequencyWidth, config.Width);
        _pooled = new VectorEmbed(config.PooledWidth, config.Width);
        _context = new Linear(config.ContextWidth, config.Width);
        _blocks = new ModuleList<MmDitBlock>([.. Enumerable.Range(0, config.Depth).Select(i => new MmDitBlock(config, i))]);
        _head = new FinalLayer(config);
        RegisterComponents();
    }

    public MmDitConfig Config { get; }

    /// <inheritdoc cref="Run"/>
    public override Tensor forward(Tensor latents, Tensor timestep, Tensor context, Tensor pooled) => Run(latents, timestep, context, pooled);

    /// <summary>The velocity from picture to noise.</summary>
    /// <param name="latents">(B, C, h, w); sides are multiples of the patch and fit the position table</param>
    /// <param name="timestep">(B) level of the noise times 1000, 0 … 1000; fractions count</param>
    /// <param name="context">(B, M, context width) text</param>
    /// <param name="pooled">(B, pooled width) text as a whole</param>
    /// <param name="skippedBlocks">Blocks to leave out, from 0 (skip-layer guidance); null for none.</param>
    /// <returns>(B, C, h, w)</returns>
    /// <exception cref="DiffSynthException">The latents are larger than the position table, or not cut into whole patches; there is no such block.</exception>
    public Tensor Run(Tensor latents, Tensor timestep, Tensor context, Tensor pooled, IReadOnlyCollection<int>? skippedBlocks = null)
    {
        Check(latents, skippedBlocks);
        using var scope = NewDisposeScope();
        var conditioning = Conditioning(timestep, pooled, latents.dtype); // (B, D)
        var text = _context.forward(context.to(latents.dtype)); // (B, M, D)
        var x = Tokens(latents); // (B, N, D)
        for (var i = 0; i < _blocks.Count; i++)
        {
            if (skippedBlocks?.Contains(i) == true) continue;
            using var before = x;
            using var textBefore = text;
            var (nextText, next) = _blocks[i].forward(text, x, conditioning);
            (x, text) = (next, nextText ?? text.alias());
        }
        return Unpatched(_head.forward(x, conditioning), latents.shape[2], latents.shape[3]).MoveToOuterDisposeScope();
    }

    private void Check(Tensor latents, IReadOnlyCollection<int>? skippedBlocks)
    {
        var (height, width, most) = (latents.shape[2], latents.shape[3], Config.LongestSide);
        if (height > most || width > most)
            throw new DiffSynthException(
                $"A picture of {width * PixelsPerCell}x{height * PixelsPerCell} is larger than this model knows positions for; its longest side is {most * PixelsPerCell}. Ask for a smaller picture, or run the network in tiles.");
        if (height % Config.Patch != 0 || width % Config.Patch != 0)
            throw new DiffSynthException($"Latents of {width}x{height} cells don't split into patches of {Config.Patch}x{Config.Patch}; sides of the picture are multiples of {Config.Patch * PixelsPerCell}.");
        if (skippedBlocks?.Any(block => block < 0 || block >= _blocks.Count) == true)
            throw new DiffSynthException($"Blocks {string.Join(", ", skippedBlocks)} can't be left out: this model has blocks 0 … {_blocks.Count - 1}.");
    }

    private Tensor Tokens(Tensor latents)
    {
        using var map = _patches.forward(latents);
        return _positions.forward(map);
    }

    // Every block begins its modulation with the same SiLU, so it is taken once, here.
    private Tensor Conditioning(Tensor timestep, Tensor pooled, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var time = _time.forward(TimestepEmbedding.Sinusoids(timestep, Config.FrequencyWidth).to(type));
        return nn.functional.silu(time + _pooled.forward(pooled.to(type))).MoveToOuterDisposeScope();
    }

    // (B, N, p·p·C), the channel running fastest, to (B, C, h, w).
    private Tensor Unpatched(Tensor tokens, long height, long width)
    {
        var patch = Config.Patch;
        var cells = tokens.view(tokens.shape[0], height / patch, width / patch, patch, patch, Config.Channels);
        return cells.permute(0, 5, 1, 3, 2, 4).reshape(tokens.shape[0], Config.Channels, height, width);
    }

    private sealed class PatchEmbed : nn.Module<Tensor, Tensor>
    {
        [Key("proj")] private readonly Conv2d _projection;

        public PatchEmbed(MmDitConfig config) : base(nameof(PatchEmbed))
        {
            _projection = new Conv2d(config.Channels, config.Width, config.Patch, stride: config.Patch);
            RegisterComponents();
        }

        // (B, C, h, w) to (B, D, h/p, w/p).
        public override Tensor forward(Tensor latents)
        {
            using var map = latents.ToChannelsLast();
            return _projection.forward(map);
        }
    }

    private sealed class VectorEmbed : nn.Module<Tensor, Tensor>
    {
        [Key("mlp")] private readonly Mlp _mlp;

        public VectorEmbed(long inputs, long width) : base(nameof(VectorEmbed))
        {
            _mlp = new Mlp(inputs, width);
            RegisterComponents();
        }

        // (B, inputs) to (B, D).
        public override Tensor forward(Tensor vector) => _mlp.forward(vector);

        private sealed class Mlp : nn.Module<Tensor, Tensor>
        {
            [Key("0")] private readonly Linear _first;
            [Key("2")] private readonly Linear _second;

            public Mlp(long inputs, long width) : base(nameof(Mlp))
            {
                _first = new Linear(inputs, width);
                _second = new Linear(width, width);
                RegisterComponents();
            }

            public override Tensor forward(Tensor vector)
            {
                using var scope = NewDisposeScope();
                return _second.forward(nn.functional.silu(_first.forward(vector))).MoveToOuterDisposeScope();
            }
        }
    }

    private sealed class FinalLayer : nn.Module<Tensor, Tensor, Tensor>
    {
        [Key("linear")] private readonly Linear _projection;
        [Key("adaLN_modulation")] private readonly MmDitModulation _modulation;

        public FinalLayer(MmDitConfig config) : base(nameof(FinalLayer))
        {
            _projection = new Linear(config.Width, config.Patch * config.Patch * config.Channels);
            _modulation = new MmDitModulation(config.Width, 2);
            RegisterComponents();
        }

        // (B, N, D) to (B, N, p·p·C).
        public override Tensor forward(Tensor x, Tensor conditioning)
        {
            using var scope = NewDisposeScope();
            var modulation = _modulation.forward(conditioning); // shift, scale
            return _projection.forward(MmDitModulation.Apply(x, modulation[0], modulation[1])).MoveToOuterDisposeScope();
        }
    }
}
