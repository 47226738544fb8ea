using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Training.Drawings;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>The latents of the first drawings, encoded once: the autoencoder no longer changes.</summary>
internal sealed class LatentSet : IDisposable
{
    private const int Batch = 16;
    private readonly Tensor _latents; // (N, 4, 16, 16) float16, mean 0 and deviation 1 in each channel

    private LatentSet(Tensor latents, Tensor mean, Tensor deviation)
        => (_latents, Mean, Deviation) = (latents.DetachFromDisposeScope(), mean.DetachFromDisposeScope(), deviation.DetachFromDisposeScope());

    /// <summary>Mean of each channel before it was taken out, (C) float32.</summary>
    public Tensor Mean { get; }

    /// <summary>Deviation of each channel before it was divided out, (C) float32.</summary>
    public Tensor Deviation { get; }

    /// <summary>How many.</summary>
    public int Count => (int)_latents.shape[0];

    /// <summary>Latents by the numbers of their drawings, float32.</summary>
    public Tensor Pick(int[] numbers)
    {
        using var scope = NewDisposeScope();
        return _latents.index_select(0, tensor(numbers)).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Draws and encodes.</summary>
    /// <param name="network">A trained autoencoder.</param>
    /// <param name="count">How many drawings, from number 0.</param>
    public static LatentSet Encode(AutoencoderKl network, int count)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var side = Drawing.Side / network.Config.Reduction;
        var latents = empty([count, network.Config.LatentChannels, side, side], ScalarType.Float32);
        for (var first = 0; first < count; first += Batch)
        {
            using var inner = NewDisposeScope();
            var numbers = Enumerable.Range(first, Math.Min(Batch, count - first));
            var posterior = network.Encode(DrawingBatch.Paint([.. numbers.Select(i => DrawingPlan.Of(i))]));
            latents.narrow(0, first, posterior.Mean.shape[0]).copy_(posterior.Mean);
        }
        var mean = latents.mean([0, 2, 3]);
        var deviation = latents.std([0, 2, 3]);
        latents.sub_(mean.view(1, -1, 1, 1)).div_(deviation.view(1, -1, 1, 1));
        return new(latents.to(ScalarType.Float16), mean, deviation);
    }

    /// <summary>Reads a file that <see cref="Save"/> wrote.</summary>
    public static LatentSet Load(string path)
    {
        using var file = WeightFile.Open(path);
        return new(Read("latents"), Read("mean"), Read("deviation"));

        Tensor Read(string name)
        {
            using var stored = file.Read(name);
            return stored.clone();
        }
    }

    /// <summary>Writes the latents to a safetensors file.</summary>
    public void Save(string path) => SafetensorsWriter.Write(path, [("latents", _latents), ("mean", Mean), ("deviation", Deviation)]);

    public void Dispose()
    {
        _latents.Dispose();
        Mean.Dispose();
        Deviation.Dispose();
    }
}
