using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.Upscalers;

/// <summary>Sizes of an ESRGAN network.</summary>
/// <param name="Channels">Channels of the picture.</param>
/// <param name="Folding">The picture's sides are divided by this, its pixels folded into channels, before the network: 1, 2 or 4.</param>
/// <param name="Width">Channels of the trunk.</param>
/// <param name="Growth">Channels that a convolution of a dense block adds.</param>
/// <param name="Blocks">Groups of three dense blocks.</param>
/// <param name="Doublings">Upsampling steps, each of which doubles the sides.</param>
internal sealed record RrdbConfig(long Channels, int Folding, long Width, long Growth, int Blocks, int Doublings)
{
    /// <summary>How many times larger the sides become.</summary>
    public int Scale => (1 << Doublings) / Folding;

    /// <summary>Every size, from shapes.</summary>
    /// <exception cref="DiffSynthException">A tensor that tells a size is missing, or the sizes fit no network that is known.</exception>
    public static RrdbConfig Detect(ComponentWeights weights)
    {
        var names = weights.Shapes.Keys.ToList();
        var blocks = NameCount.Consecutive(names, i => $"body.{i}.");
        var doublings = Enumerable.Range(1, 3).TakeWhile(i => weights.Shapes.ContainsKey($"conv_up{i}.weight")).Count();
        long inputs = weights.Side("conv_first.weight", 1), channels = weights.Side("conv_last.weight", 0);
        foreach (var folding in (int[])[1, 2, 4])
            if (inputs == channels * folding * folding && folding <= 1 << doublings)
                return new(channels, folding, weights.Side("conv_first.weight", 0), weights.Side("body.0.rdb1.conv1.weight", 0), blocks, doublings);
        throw new DiffSynthException($"The upscaler in '{weights.Origin}' takes {inputs} channels, gives {channels} and doubles {doublings} times; no such ESRGAN network is known.");
    }
}
