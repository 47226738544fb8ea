using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>Cuts a fused projection into heads and normalises queries and keys. Keys <c>query_norm</c>, <c>key_norm</c>.</summary>
/// <remarks>black-forest-labs/flux, src/flux/modules/layers.py, QKNorm.</remarks>
internal sealed class FluxHeads : nn.Module<Tensor, (Tensor Query, Tensor Key, Tensor Value)>
{
    [Key("query_norm")] private readonly HeadNorm _queryNorm;
    [Key("key_norm")] private readonly HeadNorm _keyNorm;
    private readonly long _heads;
    private readonly long _headWidth;

    public FluxHeads(FluxConfig config) : base(nameof(FluxHeads))
    {
        (_heads, _headWidth) = (config.Heads, config.HeadWidth);
        _queryNorm = new HeadNorm(config.HeadWidth);
        _keyNorm = new HeadNorm(config.HeadWidth);
        RegisterComponents();
    }

    /// <param name="fused">(B, N, 3·D or more): queries, keys, values, then what is no concern of attention</param>
    /// <returns>(B, N, heads, d) each; the values are a view</returns>
    public override (Tensor Query, Tensor Key, Tensor Value) forward(Tensor fused)
    {
        using var scope = NewDisposeScope();
        var query = _queryNorm.forward(Part(fused, 0));
        var key = _keyNorm.forward(Part(fused, 1));
        return (query.MoveToOuterDisposeScope(), key.MoveToOuterDisposeScope(), Part(fused, 2).MoveToOuterDisposeScope());
    }

    private Tensor Part(Tensor fused, long index)
    {
        using var part = fused.narrow(2, index * _heads * _headWidth, _heads * _headWidth);
        return part.view(fused.shape[0], fused.shape[1], _heads, _headWidth);
    }
}

/// <summary>One stream's share of a joint attention: its projections before and after it.</summary>
/// <remarks>black-forest-labs/flux, src/flux/modules/layers.py, SelfAttention.</remarks>
internal sealed class FluxAttention : nn.Module<Tensor, (Tensor Query, Tensor Key, Tensor Value)>
{
    [Key("qkv")] private readonly Linear _fused;
    [Key("norm")] private readonly FluxHeads _heads;
    [Key("proj")] private readonly Linear _output;

    public FluxAttention(FluxConfig config) : base(nameof(FluxAttention))
    {
        _fused = new Linear(config.Width, 3 * config.Width);
        _heads = new FluxHeads(config);
        _output = new Linear(config.Width, config.Width);
        RegisterComponents();
    }

    /// <param name="x">(B, N, D)</param>
    /// <returns>(B, N, heads, d) each</returns>
    public override (Tensor Query, Tensor Key, Tensor Value) forward(Tensor x)
    {
        using var fused = _fused.forward(x);
        return _heads.forward(fused);
    }

    /// <summary>The projection after the attention.</summary>
    /// <param name="attended">(B, N, D)</param>
    public Tensor Output(Tensor attended) => _output.forward(attended);
}
