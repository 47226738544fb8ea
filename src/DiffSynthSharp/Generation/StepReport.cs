using System.Diagnostics;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>Turns a sampler's steps into progress over all pictures of a request.</summary>
internal sealed class StepReport(IProgress<GenerationProgress>? progress, int picturesDone, int pictures, Func<Tensor, List<Picture>> preview)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>Called by the sampler after each step.</summary>
    public void Step(SamplingStep step)
    {
        if (progress is null) return;
        var done = step.Index + 1;
        Tensor? denoised = null;
        var (jobThread, isHandled) = (Environment.CurrentManagedThreadId, false);
        progress.Report(new(GenerationPhase.Step, done, step.Count, _clock.Elapsed.TotalSeconds / done)
        {
            Message = pictures > 1 && done == 1 ? $"Picture {picturesDone + 1} of {pictures}." : null,
            Preview = () => isHandled || Environment.CurrentManagedThreadId != jobThread
                ? throw new InvalidOperationException("A preview must be taken while its report is handled, on the job's own thread: implement IProgress instead of using Progress<T>.")
                : preview(denoised ??= step.Denoised()),
        });
        isHandled = true;
        denoised?.Dispose();
    }
}
