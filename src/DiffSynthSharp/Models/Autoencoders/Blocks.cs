using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Autoencoders;

/// <summary>Norm, SiLU, convolution, twice, with a skip.</summary>
/// <remarks>ldm/modules/diffusionmodules/model.py, ResnetBlock; every norm here has epsilon 1e-6.</remarks>
internal sealed class ResnetBlock : nn.Module<Tensor, Tensor>
{
    [Key("norm1")] private readonly GroupNorm _norm1;
    [Key("conv1")] private readonly Conv2d _convolution1;
    [Key("norm2")] private readonly GroupNorm _norm2;
    [Key("conv2")] private readonly Conv2d _convolution2;
    [Key("nin_shortcut")] private readonly Conv2d? _shortcut;

    public ResnetBlock(long inputs, long outputs, long groups) : base(nameof(ResnetBlock))
    {
        _norm1 = new GroupNorm(groups, inputs, 1e-6);
        _convolution1 = new Conv2d(inputs, outputs, 3, padding: 1);
        _norm2 = new GroupNorm(groups, outputs, 1e-6);
        _convolution2 = new Conv2d(outputs, outputs, 3, padding: 1);
        _shortcut = inputs == outputs ? null : new Conv2d(inputs, outputs, 1);
        RegisterComponents();
    }

    /// <param name="x">(B, C, H, W)</param>
    public override Tensor forward(Tensor x)
    {
        BlockBorder.Cross();
        using var first = Half(x, _norm1, _convolution1);
        using var second = Half(first, _norm2, _convolution2);
        if (_shortcut is null) return second + x;
        using var skip = _shortcut.forward(x);
        return second + skip;
    }

    private static Tensor Half(Tensor x, GroupNorm norm, Conv2d convolution)
    {
        using var normed = norm.forward(x);
        using var active = nn.functional.silu(normed);
        return convolution.forward(active);
    }
}

/// <summary>Two residual blocks around one attention over all cells of the map, a single head as wide as the map.</summary>
internal sealed class Middle : nn.Module<Tensor, Tensor>
{
    [Key("block_1")] private readonly ResnetBlock _block1;
    [Key("attn_1")] private readonly MapAttention _attention;
    [Key("block_2")] private readonly ResnetBlock _block2;

    public Middle(long channels, long groups) : base(nameof(Middle))
    {
        _block1 = new ResnetBlock(channels, channels, groups);
        _attention = new MapAttention(channels, groups);
        _block2 = new ResnetBlock(channels, channels, groups);
        RegisterComponents();
    }

    /// <param name="x">(B, C, H, W)</param>
    public override Tensor forward(Tensor x)
    {
        using var first = _block1.forward(x);
        using var attended = _attention.forward(first);
        return _block2.forward(attended);
    }

    private sealed class MapAttention : nn.Module<Tensor, Tensor>
    {
        [Key("norm")] private readonly GroupNorm _norm;
        [Key("q")] private readonly Conv2d _query;
        [Key("k")] private readonly Conv2d _key;
        [Key("v")] private readonly Conv2d _value;
        [Key("proj_out")] private readonly Conv2d _output;

        public MapAttention(long channels, long groups) : base(nameof(MapAttention))
        {
            _norm = new GroupNorm(groups, channels, 1e-6);
            _query = new Conv2d(channels, channels, 1);
            _key = new Conv2d(channels, channels, 1);
            _value = new Conv2d(channels, channels, 1);
            _output = new Conv2d(channels, channels, 1);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            BlockBorder.Cross();
            using var scope = NewDisposeScope();
            var normed = _norm.forward(x);
            var attended = Attention.MultiHead(
                _query.forward(normed).ToTokens(), _key.forward(normed).ToTokens(), _value.forward(normed).ToTokens(), heads: 1); // (B, H·W, C)
            return (x + _output.forward(attended.ToMap(x.shape[2], x.shape[3]))).MoveToOuterDisposeScope();
        }
    }
}
