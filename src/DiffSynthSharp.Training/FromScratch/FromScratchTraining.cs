using System.Diagnostics;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Training.Judge;
using DiffSynthSharp.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>
/// Trains the starter model: an autoencoder on drawings, a text encoder on their captions, then a U-Net on the latents of the one and the states of the other.
/// </summary>
public static class FromScratchTraining
{
    private const int Warmup = 50;
    private const double TextRate = 2e-3;
    private const int JudgeSteps = 700;
    private const int JudgeDrawings = 2400;
    internal const string AutoencoderName = "autoencoder";
    internal const string TextName = "text";
    internal const string DiffusionName = "diffusion";

    /// <summary>Trains a stage, or all of them one after the other.</summary>
    /// <param name="stage">Which.</param>
    /// <param name="options">Where and how long.</param>
    /// <param name="say">Takes one line of progress.</param>
    /// <param name="cancellation">Ends the run after the current step, with a checkpoint.</param>
    /// <exception cref="DiffSynthException">An earlier stage is missing from the folder, or a number doesn't fit.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the checkpoint is written.</exception>
    public static void Train(FromScratchStage stage, FromScratchOptions options, Action<string> say, CancellationToken cancellation = default)
    {
        options.Check();
        TorchRuntime.EnsureLoaded();
        foreach (var (each, train) in s_stages)
        {
            if (stage != FromScratchStage.All && stage != each) continue;
            train(options, say, cancellation);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private static readonly (FromScratchStage Stage, Action<FromScratchOptions, Action<string>, CancellationToken> Train)[] s_stages =
    [
        (FromScratchStage.Autoencoder, TrainAutoencoder), (FromScratchStage.Text, TrainText), (FromScratchStage.Diffusion, TrainDiffusion),
        (FromScratchStage.Judge, (options, say, _) => TrainJudge(options, say)),
    ];

    /// <summary>Trains the autoencoder.</summary>
    /// <param name="options">Where and how long.</param>
    /// <param name="say">Takes one line of progress.</param>
    /// <param name="cancellation">Ends the run after the current step, with a checkpoint.</param>
    private static void TrainAutoencoder(FromScratchOptions options, Action<string> say, CancellationToken cancellation)
    {
        var task = new AutoencoderTask();
        using var network = task.Network;
        using var parameters = new FlatParameters(network);
        RandomInitializer.Fill(parameters, AutoencoderTask.Zeroed, seed: 1, network);
        using var state = new TrainingState(parameters);
        say($"Autoencoder: {parameters.Count / 1e6:f2} M parameters.");
        Run(options, AutoencoderName, options.AutoencoderSteps, state, step => task.Loss(step, options.AutoencoderSteps), () =>
        {
            var (decibel, grid) = task.Evaluate(8);
            using (grid) PictureGrid.Save(Path.Combine(options.Output, $"{AutoencoderName}.png"), grid, 8);
            return $"{decibel:f2} dB on unseen drawings";
        }, say, cancellation);
    }

    /// <summary>Trains the text encoder to read captions.</summary>
    /// <param name="options">Where and how long.</param>
    /// <param name="say">Takes one line of progress.</param>
    /// <param name="cancellation">Ends the run after the current step, with a checkpoint.</param>
    private static void TrainText(FromScratchOptions options, Action<string> say, CancellationToken cancellation)
    {
        using var task = new CaptionTask(new StarterVocabulary());
        using var parameters = new FlatParameters(task.Text, task.Answers);
        RandomInitializer.Fill(parameters, [], seed: 2, task.Text, task.Answers);
        using var state = new TrainingState(parameters);
        say($"Text encoder: {parameters.Count / 1e6:f2} M parameters.");
        Run(options with { Rate = TextRate }, TextName, options.TextSteps, state, task.Loss,
            () => $"{task.Accuracy(200):p1} of unseen captions' words are read right", say, cancellation);
    }

    /// <summary>Trains the U-Net on the latents of a finished autoencoder and a finished text encoder in the same folder.</summary>
    /// <param name="options">Where and how long.</param>
    /// <param name="say">Takes one line of progress.</param>
    /// <param name="cancellation">Ends the run after the current step, with a checkpoint.</param>
    /// <exception cref="DiffSynthException">The folder has no autoencoder yet.</exception>
    private static void TrainDiffusion(FromScratchOptions options, Action<string> say, CancellationToken cancellation)
    {
        using var autoencoder = LoadAutoencoder(options.Output);
        using var latents = LoadLatents(options, autoencoder, say);
        AutoencoderTask.Standardize(autoencoder, latents.Mean, latents.Deviation);
        var vocabulary = new StarterVocabulary();
        using var text = LoadText(options.Output, vocabulary);
        using var task = new DiffusionTask(vocabulary, text, latents);
        using var parameters = new FlatParameters(task.Network);
        RandomInitializer.Fill(parameters, DiffusionTask.Zeroed, seed: 3, task.Network);
        using var state = new TrainingState(parameters);
        say($"U-Net: {parameters.Count / 1e6:f2} M parameters, {latents.Count} drawings.");
        Run(options, DiffusionName, options.DiffusionSteps, state, task.Loss, () =>
        {
            using var grid = LatentPainter.Paint(task, autoencoder, SamplePrompts.Sheet, seed: 0);
            PictureGrid.Save(Path.Combine(options.Output, $"{DiffusionName}.png"), grid, 6);
            return "sample sheet written";
        }, say, cancellation);
    }

    private static void TrainJudge(FromScratchOptions options, Action<string> say)
    {
        using var autoencoder = LoadAutoencoder(options.Output);
        using var judge = JudgeTraining.Train(autoencoder, JudgeDrawings, JudgeSteps, say);
        judge.Save(Path.Combine(options.Output, "judge.safetensors"));
        var (objects, colours) = JudgeTraining.Accuracy(judge, 400);
        say($"judge: {objects:p1} of objects and {colours:p1} of colours of unseen drawings are read right");
    }

    /// <summary>Writes the averaged networks of the newest checkpoints as a Hugging Face folder.</summary>
    /// <param name="options">The folder that was trained in.</param>
    /// <param name="folder">Where the model goes.</param>
    /// <exception cref="DiffSynthException">The folder has no checkpoint of a stage.</exception>
    public static void Export(FromScratchOptions options, string folder)
    {
        TorchRuntime.EnsureLoaded();
        var checkpoint = Path.Combine(options.Output, $"{DiffusionName}.safetensors");
        if (!File.Exists(checkpoint)) throw new DiffSynthException($"'{options.Output}' has no trained U-Net: train the stage 'diffusion' first.");
        using var autoencoder = LoadAutoencoder(options.Output);
        using var latents = LatentSet.Load(LatentsPath(options.Output));
        AutoencoderTask.Standardize(autoencoder, latents.Mean, latents.Deviation);
        var vocabulary = new StarterVocabulary();
        using var text = LoadText(options.Output, vocabulary);
        using var task = new DiffusionTask(vocabulary, text, latents);
        using var parameters = new FlatParameters(task.Network);
        using var state = new TrainingState(parameters);
        state.Load(checkpoint);
        state.TakeAverage();
        ModelFolder.Write(folder, task, autoencoder, vocabulary);
    }

    private static string LatentsPath(string folder) => Path.Combine(folder, "latents.safetensors");

    private static AutoencoderKl LoadAutoencoder(string folder)
    {
        var checkpoint = Path.Combine(folder, $"{AutoencoderName}.safetensors");
        if (!File.Exists(checkpoint)) throw new DiffSynthException($"'{folder}' has no trained autoencoder: train the stage 'autoencoder' first.");
        var network = new AutoencoderKl(AutoencoderTask.Sizes);
        using var parameters = new FlatParameters(network);
        using var state = new TrainingState(parameters);
        state.Load(checkpoint);
        state.TakeAverage();
        return network;
    }

    private static ClipTextEncoder LoadText(string folder, StarterVocabulary vocabulary)
    {
        var checkpoint = Path.Combine(folder, $"{TextName}.safetensors");
        if (!File.Exists(checkpoint)) throw new DiffSynthException($"'{folder}' has no trained text encoder: train the stage 'text' first.");
        var task = new CaptionTask(vocabulary);
        using var parameters = new FlatParameters(task.Text, task.Answers);
        using var state = new TrainingState(parameters);
        state.Load(checkpoint);
        state.TakeAverage();
        task.Answers.Dispose();
        return task.Text;
    }

    private static LatentSet LoadLatents(FromScratchOptions options, AutoencoderKl autoencoder, Action<string> say)
    {
        var path = LatentsPath(options.Output);
        if (options.Resume && File.Exists(path)) return LatentSet.Load(path);
        say($"Encoding {options.Drawings} drawings.");
        var latents = LatentSet.Encode(autoencoder, options.Drawings);
        latents.Save(path);
        return latents;
    }

    private static void Run(
        FromScratchOptions options, string name, int steps, TrainingState state, Func<long, Tensor> loss, Func<string> evaluate, Action<string> say,
        CancellationToken cancellation)
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
                var left = TimeSpan.FromSeconds(perStep * (steps - state.Step));
                say($"{name} {state.Step}/{steps}: loss {sum / since:f4}, {perStep:f2} s/step, {left:hh\\:mm\\:ss} left");
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
