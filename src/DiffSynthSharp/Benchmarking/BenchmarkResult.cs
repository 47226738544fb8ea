namespace DiffSynthSharp.Benchmarking;

/// <summary>What was measured. Rates are of the textbook algorithm's operations.</summary>
/// <param name="Model">What ran.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Threads">libtorch's threads.</param>
/// <param name="LoadSeconds">Weights on hand.</param>
/// <param name="Guidance">Classifier-free guidance scale of the steps.</param>
/// <param name="StepSeconds">One denoising step, the best of those measured.</param>
/// <param name="StepGflops">GFLOP/s of a step.</param>
/// <param name="DecodeSeconds">Latents to picture.</param>
/// <param name="DecodeGflops">GFLOP/s of the decoder.</param>
/// <param name="PeakGflops">This machine's measured multiply-add peak, in GFLOP/s, over the same number of threads, by the clock.</param>
/// <param name="PeakRssBytes">Most memory the process held.</param>
/// <param name="OwnBytes">Most memory of the process's own while steps were made; 0 where the system doesn't tell.</param>
/// <param name="FileBytes">Most pages of files, which the system may drop, while steps were made.</param>
/// <param name="StepRssBytes">Most of both at one time.</param>
/// <param name="ReadBytesPerStep">Weights that a step reads from the file.</param>
/// <param name="WaitShare">Share of a step in which layers wait for weights to be read.</param>
public sealed record BenchmarkResult(
    string Model, int Width, int Height, int Threads, double LoadSeconds, double Guidance, double StepSeconds, double StepGflops, double DecodeSeconds, double DecodeGflops, double PeakGflops, long PeakRssBytes,
    long OwnBytes, long FileBytes, long StepRssBytes, long ReadBytesPerStep, double WaitShare)
{
    /// <summary>
    /// Processor time that the process took for that step, divided by its threads: how long it would have lasted if its threads had run all the time. Less than <see cref="StepSeconds"/>
    /// where other programs had the processors, or threads waited for each other or for a disk; 0 where the system counts too coarsely.
    /// </summary>
    public double StepProcessorSeconds { get; init; }

    /// <summary>GFLOP/s of a step by processor time, which other programs don't lower; 0 where that isn't known.</summary>
    public double StepProcessorGflops { get; init; }

    /// <summary>As <see cref="StepProcessorSeconds"/>, of decoding.</summary>
    public double DecodeProcessorSeconds { get; init; }

    /// <summary>As <see cref="StepProcessorGflops"/>, of decoding.</summary>
    public double DecodeProcessorGflops { get; init; }

    /// <summary>The machine's peak by processor time: more than <see cref="PeakGflops"/> where other programs ran beside its measurement.</summary>
    public double PeakProcessorGflops { get; init; }

    /// <summary>What was foretold of <see cref="PeakRssBytes"/>; 0 where there is no file to foretell from.</summary>
    public long ForetoldBytes { get; init; }

    /// <summary>What was foretold of <see cref="StepRssBytes"/>.</summary>
    public long ForetoldStepBytes { get; init; }

    /// <summary>Most bytes of tensors that were alive at once, weights that lie in the file not counted; 0 where the allocator isn't this project's.</summary>
    public long PeakTensorBytes { get; init; }

    /// <summary>False where a step was stopped before its end: its seconds are those until then.</summary>
    public bool StepIsWhole { get; init; } = true;

    /// <summary>False where decoding was stopped before its end.</summary>
    public bool DecodeIsWhole { get; init; } = true;
}
