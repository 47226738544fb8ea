using System.Diagnostics;
using DiffSynthSharp.Families;
using DiffSynthSharp.Generation;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp;

/// <summary>A loaded model: type a prompt, get the picture.</summary>
/// <example>
/// <code>
/// using var model = await DiffusionModel.LoadAsync("models/starter");
/// var picture = await model.GenerateAsync("a red car by the sea");
/// picture.Save("car.png");
/// </code>
/// </example>
/// <remarks>
/// May be called from several threads: jobs run one after another. Those of <see cref="GenerateAsync"/> and <see cref="GenerateAllAsync"/> run in the order
/// of the calls, on a thread of the model's own; <see cref="Generate"/> runs on the caller's thread when it is its turn.
/// </remarks>
public sealed partial class DiffusionModel : IDisposable
{
    private readonly LoadedFamily _family;
    private readonly JobTurn _turn = new();

    private DiffusionModel(LoadedFamily family, ModelDescription description, LoadOptions options)
        => (_family, Description, Options) = (family, description, options);

    /// <summary>What was loaded, from where.</summary>
    public ModelDescription Description { get; }

    /// <summary>How it was loaded.</summary>
    public LoadOptions Options { get; }

    internal LoadedFamily Family => _family;

    /// <summary>Loads a checkpoint (.safetensors, .ckpt, …) or a diffusers folder.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="options">Autoencoder, tokenizer, device and threads; null takes the defaults.</param>
    /// <param name="progress">Told after each tensor, on this thread.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    /// <exception cref="DiffSynthException">The files are missing, damaged or of another kind; the message says which and what to do.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static DiffusionModel Load(string path, LoadOptions? options = null, IProgress<GenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        var (family, description) = LoadFamily(path, options ?? new(), progress, cancellation);
        return new(family, description, options ?? new());
    }

    internal static (LoadedFamily Family, ModelDescription Description) LoadFamily(
        string path, LoadOptions options, IProgress<GenerationProgress>? progress, CancellationToken cancellation, bool isMeasured = false)
    {
        using var files = ModelFiles.Open(path, options);
        var kind = FamilyCatalogue.Choose(files);
        kind.Check(options);
        var description = ModelInspector.Describe(files, kind);
        if (!isMeasured) kind.Check(files);
        foreach (var note in files.Notes) progress?.Report(new(GenerationPhase.Load, 0, 1, 0) { Message = note });
        TorchRuntime.EnsureLoaded();
        ThreadCount.Use(options.Threads);
        var device = DeviceChoice.Parse(options.Device);
        using var stop = BlockBorder.StopWith(cancellation);
        using var scope = NewDisposeScope();
        var clock = Stopwatch.StartNew();
        var plan = ModelWeights.PlanOf(files, kind, options, FreeMemory.Bytes());
        if (plan.Mode != MemoryMode.Full || options.Memory is not null) progress?.Report(new(GenerationPhase.Load, 0, 1, 0) { Message = plan.Reason });
        var family = kind.Load(files, new(device, new(device, plan), (done, total) => progress?.Report(new(GenerationPhase.Load, done, total, clock.Elapsed.TotalSeconds / done))) { IsMeasured = isMeasured, Total = ModelWeights.Found(files, kind).Sum(part => part.Weights.Shapes.Count) });
        return (family, description);
    }

    /// <summary>Makes one picture per seed, on this thread.</summary>
    /// <param name="request">What to make.</param>
    /// <param name="progress">Told of phases, steps and choices, on this thread.</param>
    /// <param name="cancellation">Stops at the next block of the network.</param>
    /// <returns>The pictures in the order of their seeds.</returns>
    /// <exception cref="DiffSynthException">The request doesn't fit the model; the message says what to change.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="InvalidOperationException">Called by a progress handler of this model.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public IReadOnlyList<GeneratedPicture> Generate(GenerationRequest request, IProgress<GenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var turn = _turn.Take(cancellation);
        return new PictureGenerator(_family, progress, cancellation).Generate(request);
    }

    /// <summary>A request without what it took over from another picture and this model doesn't read, such as a shift where nothing is shifted.</summary>
    /// <param name="request">What is to be made.</param>
    /// <param name="carried">What the other picture asks for. A value that is another in <paramref name="request"/> stays, and <see cref="Generate"/> refuses it.</param>
    /// <param name="say">Takes a line for each value that is left out.</param>
    public GenerationRequest Fitting(GenerationRequest request, GenerationRequest carried, Action<string> say) => FamilyValues.Fitting(request, carried, _family, say);

    /// <summary>Stops the job that runs on the model's own thread, refuses those that wait, and frees the weights when no job uses them any more.</summary>
    /// <exception cref="InvalidOperationException">Called by a progress handler of this model.</exception>
    public void Dispose()
    {
        _turn.RefuseNested();
        CloseThread();
        if (_turn.Close()) _family.Dispose();
    }
}
