using DiffSynthSharp.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>Group normalisation over (B, C, H, W).</summary>
internal sealed class GroupNorm : Leaf
{
    [Key("weight")] private Parameter? _weight;
    [Key("bias")] private Parameter? _bias;
    private readonly long _groups;
    private readonly double _epsilon;

    public GroupNorm(long groups, long channels, double epsilon) : base(nameof(GroupNorm))
    {
        if (channels % groups != 0)
            throw new ArgumentException($"{channels} channels can't be split into {groups} norm groups.", nameof(groups));
        (_groups, _epsilon) = (groups, epsilon);
        _weight = Unfilled(channels);
        _bias = Unfilled(channels);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref name == "weight" ? ref _weight : ref _bias;

    public override Tensor forward(Tensor x)
    {
        if (_weight!.requires_grad && ChannelsLastGroupNorm.Fits(x, _weight)) return ChannelsLastGroupNorm.Apply(x, _weight, _bias!, _groups, _epsilon);
        using var weight = Compute("weight", _weight!, x.dtype);
        using var bias = Compute("bias", _bias!, x.dtype);
        return nn.functional.group_norm(x, _groups, weight, bias, _epsilon);
    }
}

/// <summary>Layer normalisation over the last axis.</summary>
internal sealed class LayerNorm : Leaf
{
    [Key("weight")] private Parameter? _weight;
    [Key("bias")] private Parameter? _bias;
    private readonly long _width;
    private readonly double _epsilon;

    public LayerNorm(long width, double epsilon = 1e-5) : base(nameof(LayerNorm))
    {
        (_width, _epsilon) = (width, epsilon);
        _weight = Unfilled(width);
        _bias = Unfilled(width);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref name == "weight" ? ref _weight : ref _bias;

    public override Tensor forward(Tensor x)
    {
        using var weight = Compute("weight", _weight!, x.dtype);
        using var bias = Compute("bias", _bias!, x.dtype);
        return nn.functional.layer_norm(x, [_width], weight, bias, _epsilon);
    }
}
