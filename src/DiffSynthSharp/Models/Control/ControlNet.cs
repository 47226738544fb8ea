using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.UNets;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Control;

/// <summary>A ControlNet: the way down of a U-Net once more, fed with a picture of the condition, whose outputs are added to the U-Net's own.</summary>
/// <remarks>lllyasviel/ControlNet, cldm/cldm.py, ControlNet; keys below <c>control_model</c>.</remarks>
internal sealed class ControlNet : nn.Module
{
    [Key("time_embed")] private readonly TimeEmbed _time;
    [Key("input_blocks")] private readonly ModuleList<Stage> _down;
    [Key("input_hint_block")] private readonly Stage _hint;
    [Key("zero_convs")] private readonly ModuleList<Stage> _zeros;
    [Key("middle_block")] private readonly Stage _middle;
    [Key("middle_block_out")] private readonly Stage _middleZero;

    public ControlNet(ControlNetConfig config) : base(nameof(ControlNet))
    {
        Config = config;
        var channels = config.UNet.Levels[0].Channels;
        var build = new StageBuilder(config.UNet, channels * 4);
        _time = new TimeEmbed(channels, channels * 4);
        _down = new ModuleList<Stage>([.. build.Down()]);
        _hint = new Stage([.. HintLayers(config.HintChannels, channels)]);
        _zeros = new ModuleList<Stage>([.. build.SkipChannels.Select(Zero)]);
        _middle = build.Middle();
        _middleZero = Zero(config.UNet.Levels[^1].Channels);
        RegisterComponents();
    }

    public ControlNetConfig Config { get; }

    /// <summary>The zero convolutions in order: one for each stage on the way down, then the middle's.</summary>
    public IEnumerable<Conv2d> ZeroConvolutions => _zeros.Append(_middleZero).Select(stage => (Conv2d)stage[0]);

    /// <param name="latents">(B, C, h, w), what the U-Net gets</param>
    /// <param name="timesteps">(B) float32, in training timesteps</param>
    /// <param name="context">(B, M, context width)</param>
    /// <param name="hint">(1 or B, 3, h·r, w·r) in 0 … 1, r being <see cref="ControlNetConfig.Reduction"/></param>
    /// <param name="tiles">In cells of the latents, scaled down with each map; null runs everything whole.</param>
    public ControlResiduals Run(Tensor latents, Tensor timesteps, Tensor context, Tensor hint, TileGrid? tiles)
    {
        using var scope = NewDisposeScope();
        var embedding = _time.forward(timesteps).to(latents.dtype);
        var h = _down[0].Run(latents.ToChannelsLast(), embedding, context) + Embed(hint);
        var skips = new List<Tensor> { _zeros[0].Run(h, embedding, context) };
        for (var i = 1; i < _down.Count; i++)
        {
            var next = Run(_down[i], h, embedding, context, Scaled(tiles, h, latents));
            h.Dispose();
            h = next;
            skips.Add(_zeros[i].Run(h, embedding, context));
        }
        h = Run(_middle, h, embedding, context, Scaled(tiles, h, latents));
        var residuals = new ControlResiduals(skips, _middleZero.Run(h, embedding, context));
        return (Config.GlobalPool ? residuals.Select((residual, _) => residual.mean([2, 3], keepdim: true)) : residuals).MoveToOuterDisposeScope();
    }

    private static Tensor Run(Stage stage, Tensor x, Tensor embedding, Tensor context, TileGrid? tiles)
        => tiles is { } grid ? stage.RunInTiles(x, embedding, context, grid) : stage.Run(x, embedding, context);

    // DiffSynth-Studio, models/sd_controlnet.py: tile and stride shrink with the map.
    private static TileGrid? Scaled(TileGrid? tiles, Tensor map, Tensor latents) => tiles is not { } grid ? null
        : new TileGrid(Math.Max(grid.Size * map.shape[2] / latents.shape[2], 1), Math.Max(grid.Stride * map.shape[2] / latents.shape[2], 1));

    private Tensor Embed(Tensor hint)
    {
        using var scope = NewDisposeScope();
        var h = hint.ToChannelsLast();
        foreach (var layer in _hint)
        {
            BlockBorder.Cross();
            var next = ((nn.Module<Tensor, Tensor>)layer).forward(h);
            h.Dispose();
            h = next;
        }
        return h.MoveToOuterDisposeScope();
    }

    private static IEnumerable<nn.Module> HintLayers(IReadOnlyList<long> widths, long channels)
    {
        yield return new Conv2d(3, widths[0], 3, padding: 1);
        yield return nn.SiLU();
        foreach (var (width, next) in widths.Zip(widths.Skip(1)))
        {
            yield return new Conv2d(width, width, 3, padding: 1);
            yield return nn.SiLU();
            yield return new Conv2d(width, next, 3, stride: 2, padding: 1);
            yield return nn.SiLU();
        }
        yield return new Conv2d(widths[^1], channels, 3, padding: 1);
    }

    private static Stage Zero(long channels) => new(new Conv2d(channels, channels, 1));
}
