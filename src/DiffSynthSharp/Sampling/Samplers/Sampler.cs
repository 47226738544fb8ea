using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>
/// A numerical method that walks latents down a ladder of noise levels. It sees only <c>denoised = model(x, σ)</c>, the ladder and a noise source,
/// and belongs to one run. Latents are variance exploding: clean + σ · noise.
/// </summary>
internal abstract class Sampler
{
    /// <summary>Walks from the first level to the last.</summary>
    /// <param name="run">Model, ladder and noise.</param>
    /// <param name="x">(n, c, h, w) latents at the first level; stays the caller's.</param>
    /// <param name="finished">Called after each step with its number and the new latents; they live until it returns.</param>
    public abstract Tensor Run(Trajectory run, Tensor x, Action<int, Tensor>? finished = null);

    /// <summary>How often the network is asked in a run.</summary>
    public virtual int Calls(Ladder ladder) => ladder.Steps;

    /// <summary>Two calls a step, but one where a step ends at no noise.</summary>
    protected static int TwiceButOnce(Ladder ladder) => 2 * ladder.Steps - (ladder.Landing(ladder.Steps - 1) == 0 ? 1 : 0);
}
