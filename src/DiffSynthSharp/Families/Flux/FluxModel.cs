using DiffSynthSharp.Memory;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.Transformers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Families.Flux;

/// <summary>FLUX.1: T5 and CLIP-L, a flow-matching transformer over 2×2 patches of 16-channel latents.</summary>
internal sealed class FluxModel(TransformerSetup setup, FluxText? text, ResidentNetwork<FluxTransformer> transformer, ResidentNetwork<AutoencoderKl> autoencoder)
    : TransformerFamily(setup, autoencoder)
{
    /// <summary>Classifier-free guidance is off unless it is asked for.</summary>
    public const double GuidanceScale = 1;

    private const double TrainSteps = 1000;
    private const double PublishedGuidance = 3.5;
    private const int LengthOfDev = 512, LengthOfSchnell = 256;
    private readonly FluxConfig _config = transformer.Network.Config;

    public override string Name => "FLUX.1";

    public override double DefaultGuidance => GuidanceScale;

    public override double? DefaultEmbeddedGuidance => _config.HasGuidance ? PublishedGuidance : null;

    /// <remarks>ali-vilab/TeaCache, TeaCache4FLUX.</remarks>
    public override IReadOnlyList<double>? ChangePolynomial { get; } = [498.651651, -283.781631, 55.8554382, -3.82021401, 0.264230861];

    public override bool ReadsSecondPrompt => true;

    public override bool ReadsTextLength => true;

    // CLIP's summary comes from the end of its last layer, whatever is asked of the others.
    public override bool AttendsToClip => false;

    private int TextLength => LengthOf(_config);

    /// <summary>Tokens of T5 when nobody says how many.</summary>
    public static int LengthOf(FluxConfig config) => config.HasGuidance ? LengthOfDev : LengthOfSchnell;

    public override Conditioning Encode(string prompt, PromptReading reading, Action<string> say)
        => (text ?? throw new InvalidOperationException("A model that is measured alone has no text encoders.")).Encode(prompt, reading, TextLength, Device, say);

    public override Conditioning Blank() => new(zeros([1, TextLength, _config.ContextWidth], device: Device), zeros([1, _config.PooledWidth], device: Device));

    public override DiskUse DiskUse => new(transformer.Waited, transformer.BytesRead);

    public override Tensor Predict(Tensor latents, double timestep, Conditioning conditioning, NetworkInputs inputs)
    {
        using var scope = NewDisposeScope();
        Tensor Each(double value) => full([latents.shape[0]], value, dtype: ScalarType.Float32, device: latents.device);
        var guidance = (inputs.EmbeddedGuidance ?? DefaultEmbeddedGuidance) is { } scale ? Each(scale) : null;
        return transformer.Network.Run(latents, Each(timestep / TrainSteps), conditioning.Context, conditioning.Pooled!, guidance, inputs.Repeats).MoveToOuterDisposeScope();
    }

    protected override void ReleaseText() => text?.Release();

    protected override void ReleaseTransformer() => transformer.Release();

    public override void Dispose()
    {
        text?.Dispose();
        transformer.Dispose();
        base.Dispose();
    }
}
