using DiffSynthSharp.Generation;

namespace DiffSynthSharp;

public sealed partial class DiffusionModel
{
    private ModelThread? _thread;
    private bool _isDisposed;

    /// <summary>Loads a checkpoint (.safetensors, .ckpt, …) or a diffusers folder, on a thread of the model's own.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="options">Autoencoder, tokenizer, device and threads; null takes the defaults.</param>
    /// <param name="progress">Told after each tensor, on that thread.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    /// <exception cref="DiffSynthException">The files are missing, damaged or of another kind; the message says which and what to do.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<DiffusionModel> LoadAsync(
        string path, LoadOptions? options = null, IProgress<GenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        var thread = new ModelThread();
        try
        {
            var model = await thread.Run(stop => Load(path, options, progress, stop), cancellation).ConfigureAwait(false);
            model._thread = thread;
            return model;
        }
        catch
        {
            thread.Dispose();
            throw;
        }
    }

    /// <summary>Makes one picture on the model's own thread, after everything that was asked for before.</summary>
    /// <param name="prompt">What the picture shows.</param>
    /// <param name="options">Everything else, with one seed; its prompt is not used. Null takes the defaults.</param>
    /// <param name="progress">Told of phases, steps and choices on the model's thread, which waits for it; <see cref="Progress{T}"/> hands on to where it was made.</param>
    /// <param name="cancellation">Stops at the next block of the network, or takes the job off the queue.</param>
    /// <exception cref="DiffSynthException">The request doesn't fit the model; the message says what to change.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed before the picture was done.</exception>
    public async Task<GeneratedPicture> GenerateAsync(
        string prompt, GenerationRequest? options = null, IProgress<GenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        var request = (options ?? new()) with { Prompt = prompt };
        if (request.Seeds.Count > 1)
            throw new DiffSynthException($"{nameof(GenerateAsync)} makes one picture, but {request.Seeds.Count} seeds are given. Give one, or use {nameof(GenerateAllAsync)}.");
        return (await GenerateAllAsync(request, progress, cancellation).ConfigureAwait(false))[0];
    }

    /// <summary>Makes one picture per seed on the model's own thread, after everything that was asked for before.</summary>
    /// <param name="request">What to make.</param>
    /// <param name="progress">Told of phases, steps and choices on the model's thread, which waits for it; <see cref="Progress{T}"/> hands on to where it was made.</param>
    /// <param name="cancellation">Stops at the next block of the network, or takes the job off the queue.</param>
    /// <returns>The pictures in the order of their seeds.</returns>
    /// <exception cref="DiffSynthException">The request doesn't fit the model; the message says what to change.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed before the pictures were done.</exception>
    public Task<IReadOnlyList<GeneratedPicture>> GenerateAllAsync(
        GenerationRequest request, IProgress<GenerationProgress>? progress = null, CancellationToken cancellation = default)
        => OwnThread().Run(stop => Generate(request, progress, stop), cancellation);

    private ModelThread OwnThread()
    {
        lock (_turn)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            return _thread ??= new();
        }
    }

    private void CloseThread()
    {
        lock (_turn) _isDisposed = true;
        _thread?.Dispose();
    }
}
