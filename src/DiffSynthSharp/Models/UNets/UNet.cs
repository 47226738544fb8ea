using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Control;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.UNets;

/// <summary>The denoising U-Net of Stable Diffusion: residual blocks and transformers down to the smallest map and up again, with skips between.</summary>
/// <remarks>CompVis/stable-diffusion, ldm/modules/diffusionmodules/openaimodel.py, UNetModel; keys below <c>model.diffusion_model</c>.</remarks>
internal sealed class UNet : nn.Module<Tensor, Tensor, Tensor, Tensor>
{
    [Key("time_embed")] private readonly TimeEmbed _time;
    [Key("input_blocks")] private readonly ModuleList<Stage> _down;
    [Key("middle_block")] private readonly Stage _middle;
    [Key("output_blocks")] private readonly ModuleList<Stage> _up;
    [Key("out")] private readonly NormedConvolution _head;

    public UNet(UNetConfig config) : base(nameof(UNet))
    {
        Config = config;
        var embedding = config.Levels[0].Channels * 4;
        var build = new StageBuilder(config, embedding);
        _time = new TimeEmbed(config.Levels[0].Channels, embedding);
        _down = new ModuleList<Stage>([.. build.Down()]);
        _middle = build.Middle();
        _up = new ModuleList<Stage>([.. build.Up()]);
        _head = new NormedConvolution(config.Levels[0].Channels, config.OutputChannels, config.NormGroups);
        RegisterComponents();
    }

    public UNetConfig Config { get; }

    /// <param name="x">(B, input channels, H, W) latents, channels-last memory preferred</param>
    /// <param name="timesteps">(B) float32, in training timesteps; fractions allowed</param>
    /// <param name="context">(B, M, context width)</param>
    /// <returns>(B, output channels, H, W), the raw prediction</returns>
    public override Tensor forward(Tensor x, Tensor timesteps, Tensor context) => Run(x, timesteps, context, null);

    /// <summary>As <see cref="forward"/>, with the transformers of each map run in tiles.</summary>
    /// <param name="x">(B, input channels, H, W)</param>
    /// <param name="timesteps">(B)</param>
    /// <param name="context">(B, M, context width)</param>
    /// <param name="tiles">In cells of each transformer's own map; null runs them whole.</param>
    /// <param name="residuals">What ControlNets add to the skips and the middle; null for none.</param>
    public Tensor Run(Tensor x, Tensor timesteps, Tensor context, TileGrid? tiles, ControlResiduals? residuals = null)
    {
        using var scope = NewDisposeScope();
        var embedding = _time.forward(timesteps).to(x.dtype); // (B, E)
        var h = x.ToChannelsLast();
        var skips = new Stack<Tensor>();
        foreach (var stage in _down)
        {
            h = stage.Run(h, embedding, context, tiles: tiles);
            skips.Push(h);
        }
        h = _middle.Run(h, embedding, context, tiles: tiles);
        if (residuals is not null) h = h + residuals.Middle;
        foreach (var stage in _up)
        {
            using var skip = skips.Pop();
            using var controlled = residuals is null ? null : skip + residuals.Skips[skips.Count];
            using var joined = cat([h, controlled ?? skip], 1);
            if (!ReferenceEquals(h, skip)) h.Dispose();
            h = stage.Run(joined, embedding, context, skips.TryPeek(out var next) ? next.shape : null, tiles);
        }
        return _head.forward(h).MoveToOuterDisposeScope();
    }
}
