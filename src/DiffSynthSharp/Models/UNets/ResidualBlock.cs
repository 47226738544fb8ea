using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.UNets;

/// <summary>Two convolutions with the timestep added between them, and a skip.</summary>
/// <remarks>CompVis/stable-diffusion, ldm/modules/diffusionmodules/openaimodel.py, ResBlock.</remarks>
internal sealed class ResidualBlock : nn.Module<Tensor, Tensor, Tensor>
{
    [Key("in_layers")] private readonly NormedConvolution _in;
    [Key("emb_layers")] private readonly EmbeddingLayers _embedding;
    [Key("out_layers")] private readonly OutLayers _out;
    [Key("skip_connection")] private readonly Conv2d? _skip;

    public ResidualBlock(long inputs, long outputs, long embedding, long groups) : base(nameof(ResidualBlock))
    {
        _in = new NormedConvolution(inputs, outputs, groups);
        _embedding = new EmbeddingLayers(embedding, outputs);
        _out = new OutLayers(outputs, groups);
        _skip = inputs == outputs ? null : new Conv2d(inputs, outputs, 1);
        RegisterComponents();
    }

    /// <param name="x">(B, C, H, W)</param>
    /// <param name="embedding">(B, E), after its SiLU</param>
    public override Tensor forward(Tensor x, Tensor embedding)
    {
        BlockBorder.Cross();
        using var scope = NewDisposeScope();
        var h = _in.forward(x) + _embedding.forward(embedding);
        h = _out.forward(h);
        return (h + (_skip is null ? x : _skip.forward(x))).MoveToOuterDisposeScope();
    }

    private sealed class EmbeddingLayers : nn.Module<Tensor, Tensor>
    {
        [Key("1")] private readonly Linear _projection;

        public EmbeddingLayers(long embedding, long outputs) : base(nameof(EmbeddingLayers))
        {
            _projection = new Linear(embedding, outputs);
            RegisterComponents();
        }

        public override Tensor forward(Tensor embedding)
        {
            using var projected = _projection.forward(embedding);
            return projected.view(projected.shape[0], projected.shape[1], 1, 1); // (B, C, 1, 1)
        }
    }

    private sealed class OutLayers : nn.Module<Tensor, Tensor>
    {
        [Key("0")] private readonly GroupNorm _norm;
        [Key("3")] private readonly Conv2d _convolution;

        public OutLayers(long channels, long groups) : base(nameof(OutLayers))
        {
            _norm = new GroupNorm(groups, channels, 1e-5);
            _convolution = new Conv2d(channels, channels, 3, padding: 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var normed = _norm.forward(x);
            using var active = nn.functional.silu(normed);
            return _convolution.forward(active);
        }
    }
}
