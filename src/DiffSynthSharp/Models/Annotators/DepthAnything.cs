using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Annotators;

/// <summary>Depth of a picture by a DINOv2 transformer and a dense decoder.</summary>
/// <remarks>DepthAnything/Depth-Anything-V2, depth_anything_v2/dpt.py; huggingface/transformers 4.46, models/depth_anything (whose way of resizing the table of places is followed).</remarks>
internal sealed class DepthAnything : nn.Module<Tensor, Tensor>
{
    [Key("patches")] private readonly Conv2d _patches;
    [Key("tokens")] private readonly PatchTokens _tokens;
    [Key("blocks")] private readonly ModuleList<VisionBlock> _blocks;
    [Key("norm")] private readonly LayerNorm _norm;
    [Key("maps")] private readonly ModuleList<Map> _maps;
    [Key("decoder")] private readonly DepthDecoder _decoder;

    public DepthAnything(DepthAnythingConfig config) : base(nameof(DepthAnything))
    {
        Config = config;
        _patches = new Conv2d(3, config.Block.Width, config.Patch, stride: config.Patch);
        _tokens = new PatchTokens(config.Block.Width, config.Places, InterpolationMode.Bicubic);
        _blocks = new ModuleList<VisionBlock>([.. Enumerable.Range(0, config.Blocks).Select(_ => new VisionBlock(config.Block))]);
        _norm = new LayerNorm(config.Block.Width, 1e-6);
        _maps = new ModuleList<Map>([.. config.Maps.Select((channels, i) => new Map(config.Block.Width, channels, i))]);
        _decoder = new DepthDecoder(config.Decoder);
        RegisterComponents();
    }

    public DepthAnythingConfig Config { get; }

    /// <param name="picture">(B, 3, H, W), normalised by ImageNet's mean and deviation; sides are multiples of the patch</param>
    /// <returns>(B, H, W): 0 is far, more is nearer</returns>
    public override Tensor forward(Tensor picture)
    {
        using var scope = NewDisposeScope();
        var patches = _patches.forward(picture.ToChannelsLast()); // (B, D, h, w)
        long height = patches.shape[2], width = patches.shape[3];
        var tokens = _tokens.forward(patches);
        var maps = new List<Tensor>();
        for (var i = 0; i < _blocks.Count; i++)
        {
            tokens = _blocks[i].forward(tokens);
            for (; maps.Count < Config.Taps.Count && Config.Taps[maps.Count] == i + 1;)
            {
                var cells = _norm.forward(tokens).narrow(1, 1, height * width).ToMap(height, width); // (B, D, h, w)
                maps.Add(_maps[maps.Count].forward(cells));
            }
        }
        return _decoder.Run(maps, height * Config.Patch, width * Config.Patch).MoveToOuterDisposeScope();
    }

    /// <summary>Tokens' cells to a map of its own scale: 4, 2, 1 or ½ times as many cells along a side.</summary>
    private sealed class Map : nn.Module<Tensor, Tensor>
    {
        [Key("projection")] private readonly Conv2d _projection;
        [Key("resize")] private readonly Leaf? _resize;

        public Map(long width, long channels, int index) : base(nameof(Map))
        {
            _projection = new Conv2d(width, channels, 1);
            _resize = index switch
            {
                0 => new ConvTranspose2d(channels, channels, 4, stride: 4),
                1 => new ConvTranspose2d(channels, channels, 2, stride: 2),
                2 => null,
                _ => new Conv2d(channels, channels, 3, stride: 2, padding: 1),
            };
            RegisterComponents();
        }

        public override Tensor forward(Tensor cells)
        {
            var projected = _projection.forward(cells);
            if (_resize is null) return projected;
            using (projected) return _resize.forward(projected);
        }
    }
}
