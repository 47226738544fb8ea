using System.Diagnostics;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>What a run from scratch is asked for.</summary>
public sealed record FromScratchOptions
{
    /// <summary>Where checkpoints and sample sheets go.</summary>
    public required string Output { get; init; }

    /// <summary>Optimizer steps of the autoencoder.</summary>
    public int AutoencoderSteps { get; init; } = 8000;

    /// <summary>Optimizer steps of text encoder and U-Net.</summary>
    public int DiffusionSteps { get; init; } = 12000;

    /// <summary>Highest learning rate of either stage.</summary>
    public double Rate { get; init; } = 1e-3;

    /// <summary>Steps between checkpoints.</summary>
    public int CheckpointEvery { get; init; } = 250;

    /// <summary>Whether to go on from the newest checkpoint.</summary>
    public bool Resume { get; init; }
}

/// <summary>Trains the starter model: an autoencoder on drawings, then text encoder and U-Net together on its latents.</summary>
public static class FromScratchTraining
{
    private const int Warmup = 50;

    /// <summary>Trains the autoencoder.</summary>
    /// <param name="options">Where and how long.</param>
    /// <param name="say">Takes one line of progress.</param>
    /// <param name="cancellation">Ends the run after the current step, with a checkpoint.</param>
    public static void TrainAutoencoder(FromScratchOptions options, Action<string> say, CancellationToken cancellation = default)
    {
        TorchRuntime.EnsureLoaded();
        var task = new AutoencoderTask();
        using var network = task.Network;
        using var parameters = new FlatParameters(network);
        RandomInitializer.Fill(parameters, AutoencoderTask.Zeroed, seed: 1, network);
        using var state = new TrainingState(parameters);
        say($"Autoencoder: {parameters.Count / 1e6:f2} M parameters.");
        Run(options, "autoencoder", options.AutoencoderSteps, state, step => task.Loss(step, options.AutoencoderSteps), () =>
        {
            var (decibel, grid) = task.Evaluate(8);
            using (grid) PictureGrid.Save(Path.Combine(options.Output, "autoencoder.png"), grid, 8);
            return $"{decibel:f2} dB on unseen drawings";
        }, say, cancellation);
    }

    private static void Run(
        FromScratchOptions options, string name, int steps, TrainingState state, Func<long, Tensor> loss, Func<string> evaluate, Action<string> say, CancellationToken cancellation)
    {
        Directory.CreateDirectory(options.Output);
        var checkpoint = Path.Combine(options.Output, $"{name}.safetensors");
        if (options.Resume && File.Exists(checkpoint)) state.Load(checkpoint);
        var rate = new LearningRate(options.Rate, Warmup, steps);
        var clock = Stopwatch.StartNew();
        var (sum, since) = (0.0, 0);
        while (state.Step < steps && !cancellation.IsCancellationRequested)
        {
            using (var scope = NewDisposeScope())
            {
                var value = loss(state.Step);
                sum += value.ToDouble();
                since++;
                state.Advance(value, rate);
            }
            if (state.Step % 50 == 0)
            {
                var perStep = clock.Elapsed.TotalSeconds / since;
                say($"{name} {state.Step}/{steps}: loss {sum / since:f4}, {perStep:f2} s/step, {TimeSpan.FromSeconds(perStep * (steps - state.Step)):hh\\:mm\\:ss} left");
                (sum, since) = (0, 0);
                clock.Restart();
            }
            if (state.Step % options.CheckpointEvery == 0 || state.Step == steps) Checkpoint();
        }
        if (state.Step < steps) Checkpoint();

        void Checkpoint()
        {
            state.Save(checkpoint);
            say($"{name} {state.Step}/{steps}: {state.WithAverage(evaluate)}");
        }
    }
}
