using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Annotators;

/// <summary>One block of a vision transformer: attention and a feed-forward with exact GELU, each behind a norm and around a skip.</summary>
/// <remarks>huggingface/pytorch-image-models, timm/models/vision_transformer.py, Block; facebookresearch/dinov2 adds the scales.</remarks>
internal sealed class VisionBlock : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-6;

    [Key("norm1")] private readonly LayerNorm _norm1;
    [Key("attention")] private readonly SelfAttention _attention;
    [Key("scale1")] private readonly LayerScale? _scale1;
    [Key("norm2")] private readonly LayerNorm _norm2;
    [Key("fc1")] private readonly Linear _inner;
    [Key("fc2")] private readonly Linear _outer;
    [Key("scale2")] private readonly LayerScale? _scale2;

    public VisionBlock(VisionBlockConfig config) : base(nameof(VisionBlock))
    {
        _norm1 = new LayerNorm(config.Width, Epsilon);
        _attention = new SelfAttention(config);
        _scale1 = config.IsScaled ? new LayerScale(config.Width) : null;
        _norm2 = new LayerNorm(config.Width, Epsilon);
        _inner = new Linear(config.Width, config.Inner);
        _outer = new Linear(config.Inner, config.Width);
        _scale2 = config.IsScaled ? new LayerScale(config.Width) : null;
        RegisterComponents();
    }

    /// <param name="x">(B, N, width)</param>
    public override Tensor forward(Tensor x)
    {
        BlockBorder.Cross();
        using var scope = NewDisposeScope();
        var attended = x + Scaled(_scale1, _attention.forward(_norm1.forward(x)));
        var inner = nn.functional.gelu(_inner.forward(_norm2.forward(attended)));
        return (attended + Scaled(_scale2, _outer.forward(inner))).MoveToOuterDisposeScope();
    }

    private static Tensor Scaled(LayerScale? scale, Tensor x) => scale is null ? x : scale.forward(x);

    private sealed class SelfAttention : nn.Module<Tensor, Tensor>
    {
        [Key("qkv")] private readonly Linear? _all;
        [Key("query")] private readonly Linear? _query;
        [Key("key")] private readonly Linear? _key;
        [Key("value")] private readonly Linear? _value;
        [Key("output")] private readonly Linear _output;
        private readonly long _heads;

        public SelfAttention(VisionBlockConfig config) : base(nameof(SelfAttention))
        {
            _heads = config.Width / VisionBlockConfig.HeadWidth;
            if (config.IsFused) _all = new Linear(config.Width, 3 * config.Width);
            else (_query, _key, _value) = (new Linear(config.Width, config.Width), new Linear(config.Width, config.Width), new Linear(config.Width, config.Width));
            _output = new Linear(config.Width, config.Width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var parts = _all is null ? [_query!.forward(x), _key!.forward(x), _value!.forward(x)]
                : _all.forward(x).chunk(3, -1).Select(part => part.contiguous()).ToArray(); // query, key, value
            return _output.forward(Attention.MultiHead(parts[0], parts[1], parts[2], _heads)).MoveToOuterDisposeScope();
        }
    }
}

/// <summary>Sizes of a vision transformer's block.</summary>
/// <param name="Width">Width of a token.</param>
/// <param name="Inner">Width inside the feed-forward.</param>
/// <param name="IsFused">Whether one layer gives query, key and value.</param>
/// <param name="IsScaled">Whether what a block adds is scaled per channel.</param>
internal sealed record VisionBlockConfig(long Width, long Inner, bool IsFused, bool IsScaled)
{
    /// <summary>Width of a head in every published network of this kind.</summary>
    public const long HeadWidth = 64;
}
