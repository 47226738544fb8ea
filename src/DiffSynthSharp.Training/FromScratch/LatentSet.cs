using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Training.Drawings;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>The latents of the first drawings, encoded once: the autoencoder no longer changes.</summary>
internal sealed class LatentSet : IDisposable
{
    private const string Name = "latents";
    private const int Batch = 16;
    private readonly Tensor _latents; // (N, 4, 16, 16) float16

    private LatentSet(Tensor latents) => _latents = latents.DetachFromDisposeScope();

    /// <summary>How many.</summary>
    public int Count => (int)_latents.shape[0];

    /// <summary>Latents by the numbers of their drawings, float32.</summary>
    public Tensor Pick(int[] numbers)
    {
        using var scope = NewDisposeScope();
        return _latents.index_select(0, tensor(numbers)).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Draws and encodes.</summary>
    /// <param name="network">A trained autoencoder whose latents have unit deviation.</param>
    /// <param name="count">How many drawings, from number 0.</param>
    public static LatentSet Encode(AutoencoderKl network, int count)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var latents = empty([count, network.Config.LatentChannels, Drawing.Side / network.Config.Reduction, Drawing.Side / network.Config.Reduction], ScalarType.Float16);
        for (var first = 0; first < count; first += Batch)
        {
            using var inner = NewDisposeScope();
            var numbers = Enumerable.Range(first, Math.Min(Batch, count - first));
            var posterior = network.Encode(DrawingBatch.Paint([.. numbers.Select(i => DrawingPlan.Of(i))]));
            latents.narrow(0, first, posterior.Mean.shape[0]).copy_(posterior.Mean);
        }
        return new(latents);
    }

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    public static LatentSet Load(string path)
    {
        using var file = WeightFile.Open(path);
        using var stored = file.Read(Name);
        return new(stored.clone());
    }

    /// <summary>Writes the latents to a safetensors file.</summary>
    public void Save(string path) => SafetensorsWriter.Write(path, [(Name, _latents)]);

    public void Dispose() => _latents.Dispose();
}
