using DiffSynthSharp.Models.UNets;

namespace DiffSynthSharp.Models.Control;

/// <summary>Sizes of a ControlNet.</summary>
/// <param name="UNet">The way down and the middle, which are a U-Net's.</param>
/// <param name="HintChannels">Widths of the hint's convolutions; from each to the next the map is halved.</param>
/// <param name="GlobalPool">Whether residuals are means over the whole map, as those of the "shuffle" ControlNet.</param>
internal sealed record ControlNetConfig(UNetConfig UNet, IReadOnlyList<long> HintChannels, bool GlobalPool = false)
{
    /// <summary>Pixels of the hint per latent cell, along a side.</summary>
    public int Reduction => 1 << (HintChannels.Count - 1);

    /// <summary>Every size that shapes tell, under ldm's names without a prefix.</summary>
    /// <exception cref="DiffSynthException">A tensor that tells a size is missing.</exception>
    public static ControlNetConfig Detect(IReadOnlyDictionary<string, long[]> shapes)
    {
        // Convolutions stand at 0, 2, 4 …, two for each width, and one more to the U-Net's.
        var hint = new List<long>();
        while (shapes.TryGetValue($"input_hint_block.{4 * hint.Count}.weight", out var shape) && shape.Length == 4) hint.Add(shape[0]);
        if (hint.Count == 0) throw new DiffSynthException("The ControlNet's tensor 'input_hint_block.0.weight' has not the four dimensions of a convolution. The file is damaged.");
        return new(UNetConfig.Detect(shapes), hint);
    }
}
