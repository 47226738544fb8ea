using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Annotators;

/// <summary>Depth of a picture by a ResNet, a transformer over its last map, and a dense decoder.</summary>
/// <remarks>isl-org/MiDaS, midas/dpt_depth.py and midas/vit.py (<c>vitb_rn50_384</c>, readout 'project'), as in huggingface/controlnet_aux 0.0.7.</remarks>
internal sealed class DptHybrid : nn.Module<Tensor, Tensor>
{
    [Key("backbone")] private readonly ResNetBackbone _backbone;
    [Key("patches")] private readonly Conv2d _patches;
    [Key("tokens")] private readonly PatchTokens _tokens;
    [Key("blocks")] private readonly ModuleList<VisionBlock> _blocks;
    [Key("readout3")] private readonly Linear _readout3;
    [Key("map3")] private readonly Conv2d _map3;
    [Key("readout4")] private readonly Linear _readout4;
    [Key("map4")] private readonly Conv2d _map4;
    [Key("half4")] private readonly Conv2d _half4;
    [Key("decoder")] private readonly DepthDecoder _decoder;

    public DptHybrid(DptHybridConfig config) : base(nameof(DptHybrid))
    {
        var width = config.Block.Width;
        Config = config;
        _backbone = new ResNetBackbone(config.Stem, config.Stages);
        _patches = new Conv2d(config.Stages[^1].Channels, width, 1);
        _tokens = new PatchTokens(width, config.Places, InterpolationMode.Bilinear);
        _blocks = new ModuleList<VisionBlock>([.. Enumerable.Range(0, config.Blocks).Select(_ => new VisionBlock(config.Block))]);
        _readout3 = new Linear(2 * width, width);
        _map3 = new Conv2d(width, config.Maps[0], 1);
        _readout4 = new Linear(2 * width, width);
        _map4 = new Conv2d(width, config.Maps[1], 1);
        _half4 = new Conv2d(config.Maps[1], config.Maps[1], 3, stride: 2, padding: 1);
        _decoder = new DepthDecoder(config.Decoder);
        RegisterComponents();
    }

    public DptHybridConfig Config { get; }

    /// <param name="picture">(B, 3, H, W) in −1 … 1; sides are multiples of 32</param>
    /// <returns>(B, H, W): 0 is far, more is nearer</returns>
    public override Tensor forward(Tensor picture)
    {
        using var scope = NewDisposeScope();
        var maps = _backbone.Run(picture.ToChannelsLast());
        var patches = _patches.forward(maps[^1]); // (B, D, H/16, W/16)
        long height = patches.shape[2], width = patches.shape[3];
        var tokens = _tokens.forward(patches);
        Tensor? third = null;
        for (var i = 0; i < _blocks.Count; i++)
        {
            tokens = _blocks[i].forward(tokens);
            if (i + 1 == 3 * _blocks.Count / 4) third = _map3.forward(Cells(tokens, _readout3, height, width));
        }
        var fourth = _half4.forward(_map4.forward(Cells(tokens, _readout4, height, width)));
        return _decoder.Run([maps[0], maps[1], third!, fourth], picture.shape[2], picture.shape[3]).MoveToOuterDisposeScope();
    }

    // Every cell is told what the token of the whole picture says.
    private static Tensor Cells(Tensor tokens, Linear readout, long height, long width)
    {
        using var scope = NewDisposeScope();
        var cells = tokens.narrow(1, 1, height * width);
        var both = cat([cells, tokens.narrow(1, 0, 1).expand_as(cells)], -1);
        return nn.functional.gelu(readout.forward(both)).ToMap(height, width).MoveToOuterDisposeScope();
    }
}
