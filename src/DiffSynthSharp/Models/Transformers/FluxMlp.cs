using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>Two layers with a GELU between, by its tanh formula. Keys <c>0</c> and <c>2</c>.</summary>
/// <remarks>black-forest-labs/flux, src/flux/modules/layers.py, DoubleStreamBlock.img_mlp.</remarks>
internal sealed class FluxMlp : nn.Module<Tensor, Tensor>
{
    [Key("0")] private readonly Linear _inner;
    [Key("2")] private readonly Linear _output;

    public FluxMlp(long width, long inner) : base(nameof(FluxMlp))
    {
        _inner = new Linear(width, inner);
        _output = new Linear(inner, width);
        RegisterComponents();
    }

    /// <param name="x">(B, N, D)</param>
    public override Tensor forward(Tensor x)
    {
        using var inner = _inner.forward(x);
        using var active = Activate(inner);
        return _output.forward(active);
    }

    /// <summary>The GELU, in place where no gradient needs the values before it: they are a block's largest.</summary>
    /// <param name="x">Values that nobody else holds; they may be overwritten.</param>
    internal static Tensor Activate(Tensor x) => x.requires_grad ? x.gelu(GELU.Approximate.tanh) : x.gelu_(GELU.Approximate.tanh);
}

/// <summary>Two layers with a SiLU between, which turn a number's sinusoids or the pooled prompt into a condition. Keys <c>in_layer</c>, <c>out_layer</c>.</summary>
/// <remarks>black-forest-labs/flux, src/flux/modules/layers.py, MLPEmbedder.</remarks>
internal sealed class FluxEmbedder : nn.Module<Tensor, Tensor>
{
    [Key("in_layer")] private readonly Linear _inner;
    [Key("out_layer")] private readonly Linear _output;

    public FluxEmbedder(long inputs, long width) : base(nameof(FluxEmbedder))
    {
        _inner = new Linear(inputs, width);
        _output = new Linear(width, width);
        RegisterComponents();
    }

    /// <param name="x">(B, inputs)</param>
    /// <returns>(B, D)</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return _output.forward(nn.functional.silu(_inner.forward(x))).MoveToOuterDisposeScope();
    }
}
