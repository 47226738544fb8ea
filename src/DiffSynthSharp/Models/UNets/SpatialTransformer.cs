using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.UNets;

/// <summary>Attention over the cells of a feature map and over the text.</summary>
/// <remarks>CompVis/stable-diffusion, ldm/modules/attention.py, SpatialTransformer and BasicTransformerBlock. Its group norm has epsilon 1e-6.</remarks>
internal sealed class SpatialTransformer : nn.Module<Tensor, Tensor, Tensor>
{
    [Key("norm")] private readonly GroupNorm _norm;
    [Key("proj_in")] private readonly Conv2d _input;
    [Key("transformer_blocks")] private readonly ModuleList<TransformerBlock> _blocks;
    [Key("proj_out")] private readonly Conv2d _output;

    public SpatialTransformer(long channels, int depth, long context, long heads, long groups) : base(nameof(SpatialTransformer))
    {
        _norm = new GroupNorm(groups, channels, 1e-6);
        _input = new Conv2d(channels, channels, 1);
        _blocks = new ModuleList<TransformerBlock>([.. Enumerable.Range(0, depth).Select(_ => new TransformerBlock(channels, context, heads))]);
        _output = new Conv2d(channels, channels, 1);
        RegisterComponents();
    }

    /// <param name="x">(B, C, H, W)</param>
    /// <param name="context">(B, M, context width)</param>
    public override Tensor forward(Tensor x, Tensor context) => Run(x, context, null);

    /// <param name="x">(B, C, H, W)</param>
    /// <param name="context">(B, M, context width)</param>
    /// <param name="tiles">Cuts the map for the transformer blocks alone (DiffSynth-Studio's tiled U-Net), in cells of this map; null runs it whole.</param>
    public Tensor Run(Tensor x, Tensor context, TileGrid? tiles)
    {
        using var scope = NewDisposeScope();
        var map = _input.forward(_norm.forward(x));
        map = tiles is { } grid
            ? Tiles.Run(map, grid.Within(Math.Min(x.shape[2], x.shape[3])), tile => Transform(tile, context))
            : Transform(map, context);
        return (_output.forward(map) + x).MoveToOuterDisposeScope();
    }

    private Tensor Transform(Tensor map, Tensor context)
    {
        using var scope = NewDisposeScope();
        var tokens = map.ToTokens(); // (B, H·W, C)
        foreach (var block in _blocks) tokens = block.forward(tokens, context);
        return tokens.ToMap(map.shape[2], map.shape[3]).MoveToOuterDisposeScope();
    }
}

/// <summary>Self-attention, cross-attention and feed-forward, each behind its own layer norm.</summary>
internal sealed class TransformerBlock : nn.Module<Tensor, Tensor, Tensor>
{
    [Key("attn1")] private readonly CrossAttention _self;
    [Key("ff")] private readonly FeedForward _feedForward;
    [Key("attn2")] private readonly CrossAttention _cross;
    [Key("norm1")] private readonly LayerNorm _norm1;
    [Key("norm2")] private readonly LayerNorm _norm2;
    [Key("norm3")] private readonly LayerNorm _norm3;

    public TransformerBlock(long width, long context, long heads) : base(nameof(TransformerBlock))
    {
        _self = new CrossAttention(width, width, heads);
        _feedForward = new FeedForward(width);
        _cross = new CrossAttention(width, context, heads);
        _norm1 = new LayerNorm(width);
        _norm2 = new LayerNorm(width);
        _norm3 = new LayerNorm(width);
        RegisterComponents();
    }

    /// <param name="x">(B, N, width)</param>
    /// <param name="context">(B, M, context width)</param>
    public override Tensor forward(Tensor x, Tensor context)
    {
        BlockBorder.Cross();
        using var scope = NewDisposeScope();
        var normed = _norm1.forward(x);
        x = x + _self.forward(normed, normed);
        x = x + _cross.forward(_norm2.forward(x), context);
        return (x + _feedForward.forward(_norm3.forward(x))).MoveToOuterDisposeScope();
    }
}

/// <summary>Queries from one sequence, keys and values from another (or the same).</summary>
internal sealed class CrossAttention : nn.Module<Tensor, Tensor, Tensor>
{
    [Key("to_q")] private readonly Linear _query;
    [Key("to_k")] private readonly Linear _key;
    [Key("to_v")] private readonly Linear _value;
    [Key("to_out")] private readonly ModuleList<Linear> _output;
    private readonly long _heads;

    public CrossAttention(long width, long context, long heads) : base(nameof(CrossAttention))
    {
        if (width % heads != 0) throw new ArgumentException($"A width of {width} can't be split into {heads} heads.", nameof(heads));
        _heads = heads;
        _query = new Linear(width, width, bias: false);
        _key = new Linear(context, width, bias: false);
        _value = new Linear(context, width, bias: false);
        _output = new ModuleList<Linear>([new Linear(width, width)]);
        RegisterComponents();
    }

    /// <param name="x">(B, N, width)</param>
    /// <param name="context">(B, M, context width)</param>
    public override Tensor forward(Tensor x, Tensor context)
    {
        using var scope = NewDisposeScope();
        var attended = Attention.MultiHead(_query.forward(x), _key.forward(context), _value.forward(context), _heads);
        return _output[0].forward(attended).MoveToOuterDisposeScope();
    }
}
