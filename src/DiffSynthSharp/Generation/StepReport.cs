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
        progress.Report(new(GenerationPhase.Step, done, step.Count, _clock.Elapsed.TotalSeconds / done)
        {
            Message = pictures > 1 && done == 1 ? $"Picture {picturesDone + 1} of {pictures}." : null,
            Preview = () => preview(denoised ??= step.Denoised()),
        });
        denoised?.Dispose();
    }
}
