using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Training.Drawings;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>The third stage: a U-Net that learns, from nothing, to paint latents after captions, which a finished text encoder reads.</summary>
/// <remarks>
/// The U-Net predicts velocity (Salimans and Ho 2022, arXiv 2202.00512). Errors are weighed by γ / (SNR + γ): even over the noisy timesteps, where
/// the caption decides, and falling where min-SNR-γ (Hang et al. 2023, arXiv 2303.09556) falls.
/// </remarks>
internal sealed class DiffusionTask : IDisposable
{
    private const double Gamma = 5;
    private const double CaptionLeftOut = 0.1;
    private readonly StarterVocabulary _vocabulary;
    private readonly LatentSet _latents;
    private readonly Tensor _shares = tensor(NoiseSchedule.SignalShares).DetachFromDisposeScope(); // (1000)
    private readonly Tensor _empty; // (1, 77, W)
    private readonly Lazy<Tensor> _contexts; // (N, 77, W) float16, one for each drawing
    private readonly ScalarType _type;
    private readonly int _batch;

    /// <param name="vocabulary">Turns captions into tokens.</param>
    /// <param name="text">Reads the tokens; it no longer changes.</param>
    /// <param name="latents">What is learnt.</param>
    /// <param name="batch">Drawings in a step.</param>
    /// <param name="type">What the U-Net computes in.</param>
    public DiffusionTask(StarterVocabulary vocabulary, ClipTextEncoder text, LatentSet latents, int batch = 32, ScalarType type = ScalarType.BFloat16)
    {
        (_vocabulary, _latents, _batch, _type) = (vocabulary, latents, batch, type);
        Text = text;
        Network = new UNet(Sizes);
        _empty = Context([""]).DetachFromDisposeScope();
        _contexts = new(ReadCaptions);
    }

    public static ClipTextConfig TextSizes(int vocabulary) => new(vocabulary, 128, 512, 2, 2, StarterVocabulary.RowLength);

    /// <summary>Transformers only where the map is at most 8 × 8; at least four channels in each norm group.</summary>
    public static UNetConfig Sizes { get; } = new(4, 4, [new(64, 0), new(96, 1), new(128, 1)], 1, 128, Heads: 4, NormGroups: 16);

    /// <summary>Layers that begin at zero.</summary>
    public static IReadOnlyList<string> Zeroed { get; } = ["out_layers.3", "proj_out", "out.2"];

    public ClipTextEncoder Text { get; }

    public UNet Network { get; }

    /// <summary>The loss of a step. Its drawings, timesteps and noise are functions of the step's number.</summary>
    /// <param name="step">Counts from 0.</param>
    public Tensor Loss(long step)
    {
        using var scope = NewDisposeScope();
        var random = new Random(unchecked((int)(step * 6151 + 5)));
        using var generator = new Generator((ulong)(step + 1));
        var numbers = Enumerable.Range(0, _batch).Select(_ => random.Next(_latents.Count)).ToArray();
        var clean = _latents.Pick(numbers);
        var leftOut = tensor(numbers.Select(_ => random.NextDouble() < CaptionLeftOut).ToArray()).view(-1, 1, 1);
        var context = where(leftOut, _empty, _contexts.Value.index_select(0, tensor(numbers)).to(ScalarType.Float32));
        var places = (arange(_batch, ScalarType.Float32) + rand(_batch, generator: generator)) / _batch; // spread evenly over 0 … 1
        var timesteps = (places * NoiseSchedule.Timesteps).to(ScalarType.Int64).clamp(0, NoiseSchedule.Timesteps - 1); // (B)
        var share = _shares.index_select(0, timesteps).view(-1, 1, 1, 1);
        var noise = randn(clean.shape, generator: generator);
        var noisy = share.sqrt() * clean + (1 - share).sqrt() * noise;
        var velocity = share.sqrt() * noise - (1 - share).sqrt() * clean;
        var ratio = share / (1 - share);
        var error = (Predict(noisy, timesteps.to(ScalarType.Float32), context) - velocity).square();
        return (error * (Gamma / (ratio + Gamma))).mean().MoveToOuterDisposeScope();
    }

    /// <summary>The text encoder's last state, normed, (B, 77, 128).</summary>
    public Tensor Context(IEnumerable<string> captions)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        return Text.Norm(Text.forward(_vocabulary.Rows(captions)).Hidden[^1]).MoveToOuterDisposeScope();
    }

    private Tensor ReadCaptions()
    {
        using var scope = NewDisposeScope();
        var chunks = Enumerable.Range(0, _latents.Count).Select(i => DrawingPlan.Of(i).Caption).Chunk(64).Select(captions =>
        {
            using var context = Context(captions);
            return context.to(ScalarType.Float16);
        });
        return cat([.. chunks]).DetachFromDisposeScope();
    }

    /// <summary>The U-Net's velocity, float32.</summary>
    public Tensor Predict(Tensor noisy, Tensor timesteps, Tensor context)
    {
        if (_type == ScalarType.Float32) return Network.forward(noisy, timesteps, context);
        using var scope = NewDisposeScope();
        return Network.forward(noisy.to(_type), timesteps, context.to(_type)).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _shares.Dispose();
        _empty.Dispose();
        if (_contexts.IsValueCreated) _contexts.Value.Dispose();
        Network.Dispose();
    }
}
