using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>Sizes of a Stable Diffusion 3 transformer.</summary>
/// <param name="Channels">Channels of the latents.</param>
/// <param name="Patch">Latent cells along a side of a token.</param>
/// <param name="Depth">Joint blocks.</param>
/// <param name="Width">Width of a token.</param>
/// <param name="HeadWidth">Width of an attention head.</param>
/// <param name="Inner">Width inside the feed-forward parts.</param>
/// <param name="PositionSide">Tokens along a side of the position table; no picture can have more.</param>
/// <param name="ContextWidth">Width of a text token.</param>
/// <param name="PooledWidth">Width of the pooled text.</param>
/// <param name="FrequencyWidth">Sinusoids of a timestep.</param>
/// <param name="HasNormedHeads">Whether queries and keys are normalised head by head: the 3.5 models.</param>
/// <param name="DualBlocks">How many of the first blocks have a second attention, among picture tokens alone: 3.5-medium.</param>
internal sealed record MmDitConfig(
    long Channels, long Patch, int Depth, long Width, long HeadWidth, long Inner, long PositionSide, long ContextWidth, long PooledWidth, long FrequencyWidth,
    bool HasNormedHeads, int DualBlocks)
{
    /// <summary>Width of a head where no norm tells it: all published networks.</summary>
    private const long PublishedHeadWidth = 64;
    private const string FirstQueryNorm = "joint_blocks.0.x_block.attn.ln_q.weight";

    public long Heads => Width / HeadWidth;

    /// <summary>The longest side of latents the network can take, in cells.</summary>
    public long LongestSide => PositionSide * Patch;

    /// <summary>Every size, from shapes under the network's own names.</summary>
    /// <exception cref="DiffSynthException">A tensor that tells a size is missing, or sizes don't go together.</exception>
    public static MmDitConfig Detect(ComponentWeights weights)
    {
        var names = weights.Shapes.Keys.ToList();
        var (width, head) = (weights.Side("x_embedder.proj.weight", 0), names.Contains(FirstQueryNorm) ? weights.Side(FirstQueryNorm, 0) : PublishedHeadWidth);
        if (head < 1 || width % head != 0)
            throw new DiffSynthException($"'{weights.Origin}': a transformer of width {width} can't be split into heads of {head}. The file is damaged or of another kind.");
        return new(
            weights.Side("x_embedder.proj.weight", 1), weights.Side("x_embedder.proj.weight", 3), NameCount.Consecutive(names, i => $"joint_blocks.{i}."), width, head,
            weights.Side("joint_blocks.0.x_block.mlp.fc1.weight", 0), SideOfTable(weights), weights.Side("context_embedder.weight", 1), weights.Side("y_embedder.mlp.0.weight", 1),
            weights.Side("t_embedder.mlp.0.weight", 1), names.Contains(FirstQueryNorm), NameCount.Consecutive(names, i => $"joint_blocks.{i}.x_block.attn2."));
    }

    private static long SideOfTable(ComponentWeights weights)
    {
        var rows = weights.Side("pos_embed.table", 1);
        var side = (long)Math.Round(Math.Sqrt(rows));
        return side > 0 && side * side == rows ? side
            : throw new DiffSynthException($"'{weights.Origin}': the transformer's position table has {rows} rows, expected a square number. The file is damaged.");
    }
}
