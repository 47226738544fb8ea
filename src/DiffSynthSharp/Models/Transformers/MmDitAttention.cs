using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>What tokens ask, answer to and tell in an attention, each (B, N, D).</summary>
internal readonly record struct MmDitTokens(Tensor Query, Tensor Key, Tensor Value) : IDisposable
{
    /// <summary>These tokens and then others.</summary>
    public MmDitTokens Then(MmDitTokens others)
        => new(cat([Query, others.Query], 1), cat([Key, others.Key], 1), cat([Value, others.Value], 1));

    public void Dispose()
    {
        Query.Dispose();
        Key.Dispose();
        Value.Dispose();
    }
}

/// <summary>The projections of an attention over one kind of tokens.</summary>
/// <remarks>Stability-AI/sd3.5, mmditx.py, SelfAttention.</remarks>
internal sealed class MmDitAttention : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-6;

    [Key("qkv")] private readonly Linear _all;
    [Key("ln_q")] private readonly RmsNorm? _queryNorm;
    [Key("ln_k")] private readonly RmsNorm? _keyNorm;
    [Key("proj")] private readonly Linear? _output;
    private readonly long _heads;

    /// <param name="config">Sizes.</param>
    /// <param name="hasOutput">Whether anything is made of what the tokens see.</param>
    public MmDitAttention(MmDitConfig config, bool hasOutput) : base(nameof(MmDitAttention))
    {
        _heads = config.Heads;
        _all = new Linear(config.Width, 3 * config.Width);
        if (config.HasNormedHeads) (_queryNorm, _keyNorm) = (new RmsNorm(config.HeadWidth, Epsilon), new RmsNorm(config.HeadWidth, Epsilon));
        _output = hasOutput ? new Linear(config.Width, config.Width) : null;
        RegisterComponents();
    }

    /// <summary>Self-attention.</summary>
    /// <param name="x">(B, N, D)</param>
    public override Tensor forward(Tensor x)
    {
        using var tokens = Project(x);
        using var attended = Attention.MultiHead(tokens.Query, tokens.Key, tokens.Value, _heads);
        return Output(attended);
    }

    /// <summary>Queries, keys and values of normalised tokens.</summary>
    /// <param name="x">(B, N, D)</param>
    public MmDitTokens Project(Tensor x)
    {
        using var scope = NewDisposeScope();
        var parts = _all.forward(x).chunk(3, -1); // query, key, value
        return new(Normed(parts[0], _queryNorm).MoveToOuterDisposeScope(), Normed(parts[1], _keyNorm).MoveToOuterDisposeScope(), parts[2].MoveToOuterDisposeScope());
    }

    /// <summary>What the tokens make of what they saw.</summary>
    /// <param name="attended">(B, N, D)</param>
    public Tensor Output(Tensor attended) => _output!.forward(attended);

    private Tensor Normed(Tensor x, RmsNorm? norm)
        => norm is null ? x : norm.forward(x.view(x.shape[0], x.shape[1], _heads, -1)).view(x.shape);
}
