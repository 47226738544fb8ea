using DiffSynthSharp.Layers;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.Transformers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families.Sd3;

/// <summary>Stable Diffusion 3 and 3.5: up to three text encoders, a flow-matching transformer in which text and picture attend to each other.</summary>
internal sealed class Sd3Model(TransformerSetup setup, Sd3TextEncoders text, ResidentNetwork<MmDit> transformer, ResidentNetwork<AutoencoderKl> autoencoder)
    : TransformerFamily(setup, autoencoder)
{
    /// <summary>Tokens of T5 when nobody says how many.</summary>
    public const int TextLength = 256;

    /// <summary>The classifier-free guidance scale that suits the model.</summary>
    public const double GuidanceScale = 7;

    public override string Name => "Stable Diffusion 3";

    public override double DefaultGuidance => GuidanceScale;

    public override int SkippableBlocks { get; } = transformer.Network.Config.Depth;

    public override bool ReadsSecondPrompt => text.T5 is not null;

    public override bool ReadsTextLength => true;

    public override Conditioning Encode(string prompt, PromptReading reading, Action<string> say)
        => text.Encode(prompt, reading, reading.TextLength ?? TextLength, Device, say);

    public override Conditioning Blank() => text.Blank(TextLength, Device);

    public override Tensor Predict(Tensor latents, double timestep, Conditioning conditioning, NetworkInputs inputs)
    {
        using var scope = NewDisposeScope();
        var timesteps = full([latents.shape[0]], timestep, dtype: ScalarType.Float32, device: latents.device);
        return transformer.Network.Run(latents, timesteps, conditioning.Context, conditioning.Pooled!, inputs.SkippedBlocks).MoveToOuterDisposeScope();
    }

    /// <remarks>DiffSynth-Studio 1.1.9, SD3DiT.tiled_forward: tiles fade over half a stride, at the map's own edges too.</remarks>
    public override Tensor PredictInTiles(Tensor latents, TileGrid grid, Func<Tensor, TileBox, Tensor> predict)
        => StepTiles.Run(latents, grid, predict, box => Tiles.Weight(box.Height, box.Width, grid.Stride / 2));

    public override DiskUse DiskUse => new(transformer.Waited, transformer.BytesRead);

    protected override void ReleaseText() => text.Release();

    protected override void ReleaseTransformer() => transformer.Release();

    public override void Dispose()
    {
        text.Dispose();
        transformer.Dispose();
        base.Dispose();
    }
}
