using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>Text and picture tokens, each with weights of its own, attend to one another as one row.</summary>
/// <remarks>Esser et al. (2024), arXiv 2403.03206, figure 2; Stability-AI/sd3.5, mmditx.py, JointBlock and block_mixing.</remarks>
internal sealed class MmDitBlock : nn.Module<Tensor, Tensor, Tensor, (Tensor? Context, Tensor Latents)>
{
    [Key("context_block")] private readonly MmDitStream _context;
    [Key("x_block")] private readonly MmDitStream _latents;
    private readonly long _heads;

    /// <param name="config">Sizes of the network.</param>
    /// <param name="index">From 0. The last block leaves the text as it is.</param>
    public MmDitBlock(MmDitConfig config, int index) : base(nameof(MmDitBlock))
    {
        _heads = config.Heads;
        _context = new MmDitStream(config, goesOn: index < config.Depth - 1, isDual: false);
        _latents = new MmDitStream(config, goesOn: true, isDual: index < config.DualBlocks);
        RegisterComponents();
    }

    /// <param name="context">(B, M, D) text</param>
    /// <param name="latents">(B, N, D) picture</param>
    /// <param name="conditioning">(B, D) timestep and pooled text, behind a SiLU</param>
    /// <returns>The same; no text from the last block.</returns>
    public override (Tensor? Context, Tensor Latents) forward(Tensor context, Tensor latents, Tensor conditioning)
    {
        BlockBorder.Cross();
        using var scope = NewDisposeScope();
        var (ofContext, ofLatents) = (_context.Modulation(conditioning), _latents.Modulation(conditioning));
        var attended = Attend(_latents.Project(latents, ofLatents), _context.Project(context, ofContext)); // (B, N + M, D)
        var (n, m) = (latents.shape[1], context.shape[1]);
        var nextContext = _context.GoesOn ? _context.forward(context, attended.narrow(1, n, m), ofContext) : null;
        var nextLatents = _latents.forward(latents, attended.narrow(1, 0, n), ofLatents);
        return (nextContext?.MoveToOuterDisposeScope(), nextLatents.MoveToOuterDisposeScope());
    }

    private Tensor Attend(MmDitTokens latents, MmDitTokens context)
    {
        using var all = latents.Then(context);
        latents.Dispose();
        context.Dispose();
        return Attention.MultiHead(all.Query, all.Key, all.Value, _heads);
    }
}

/// <summary>One kind of tokens on its way through a block, before and after the attention over both kinds.</summary>
/// <remarks>Stability-AI/sd3.5, mmditx.py, DismantledBlock.</remarks>
internal sealed class MmDitStream : nn.Module<Tensor, Tensor, Tensor[], Tensor>
{
    [Key("attn")] private readonly MmDitAttention _attention;
    [Key("attn2")] private readonly MmDitAttention? _own;
    [Key("mlp")] private readonly Mlp? _mlp;
    [Key("adaLN_modulation")] private readonly MmDitModulation _modulation;

    /// <param name="config">Sizes of the network.</param>
    /// <param name="goesOn">Whether the tokens are needed after this block.</param>
    /// <param name="isDual">Whether the tokens attend to one another alone, too.</param>
    public MmDitStream(MmDitConfig config, bool goesOn, bool isDual) : base(nameof(MmDitStream))
    {
        _attention = new MmDitAttention(config, goesOn);
        _own = isDual ? new MmDitAttention(config, hasOutput: true) : null;
        _mlp = goesOn ? new Mlp(config.Width, config.Inner) : null;
        _modulation = new MmDitModulation(config.Width, goesOn ? isDual ? 9 : 6 : 2);
        RegisterComponents();
    }

    /// <summary>Whether tokens come out of the block.</summary>
    public bool GoesOn => _mlp is not null;

    /// <summary>Shift, scale and gate of the attention, of the feed-forward part and of the tokens' own attention, as far as there are.</summary>
    public Tensor[] Modulation(Tensor conditioning) => _modulation.forward(conditioning);

    /// <summary>The tokens' part in the attention over both kinds.</summary>
    /// <param name="x">(B, N, D)</param>
    /// <param name="modulation">Of <see cref="Modulation"/>.</param>
    public MmDitTokens Project(Tensor x, Tensor[] modulation)
    {
        using var normed = MmDitModulation.Apply(x, modulation[0], modulation[1]);
        return _attention.Project(normed);
    }

    /// <summary>The rest of the block.</summary>
    /// <param name="x">(B, N, D) what came in</param>
    /// <param name="attended">(B, N, D) what these tokens saw in the attention over both kinds</param>
    /// <param name="modulation">Of <see cref="Modulation"/>.</param>
    public override Tensor forward(Tensor x, Tensor attended, Tensor[] modulation)
    {
        using var scope = NewDisposeScope();
        var sum = Plus(x, _attention.Output(attended), modulation[2]);
        if (_own is not null)
        {
            using var seen = MmDitModulation.Apply(x, modulation[6], modulation[7]);
            using var before = sum;
            sum = Plus(before, _own.forward(seen), modulation[8]);
        }
        using var normed = MmDitModulation.Apply(sum, modulation[3], modulation[4]);
        return Plus(sum, _mlp!.forward(normed), modulation[5]).MoveToOuterDisposeScope();
    }

    private static Tensor Plus(Tensor x, Tensor change, Tensor gate)
    {
        using (change) return x.addcmul(change, gate, 1);
    }

    private sealed class Mlp : nn.Module<Tensor, Tensor>
    {
        [Key("fc1")] private readonly Linear _inner;
        [Key("fc2")] private readonly Linear _outer;

        public Mlp(long width, long inner) : base(nameof(Mlp))
        {
            _inner = new Linear(width, inner);
            _outer = new Linear(inner, width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var inner = _inner.forward(x);
            var bent = nn.functional.gelu(inner, GELU.Approximate.tanh);
            inner.Dispose();
            return _outer.forward(bent).MoveToOuterDisposeScope();
        }
    }
}
