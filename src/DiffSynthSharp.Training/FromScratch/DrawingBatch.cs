using DiffSynthSharp.Training.Drawings;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>Drawings as tensors.</summary>
internal static class DrawingBatch
{
    /// <summary>Whole drawings, painted on the thread pool.</summary>
    /// <param name="plans">What to paint.</param>
    /// <returns>(B, 3, 128, 128) float32 in −1 … 1, channels-last memory</returns>
    public static Tensor Paint(IReadOnlyList<DrawingPlan> plans)
    {
        var pictures = new byte[plans.Count][];
        Parallel.For(0, plans.Count, i => pictures[i] = Drawing.Paint(plans[i]));
        using var scope = NewDisposeScope();
        var bytes = tensor(pictures.SelectMany(picture => picture).ToArray(), [plans.Count, Drawing.Side, Drawing.Side, 3], dtype: ScalarType.Byte);
        return (bytes.to(ScalarType.Float32) / 127.5 - 1).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Square pieces of drawings, one from each.</summary>
    /// <param name="pictures">(B, 3, H, W)</param>
    /// <param name="side">Pixels along a side of a piece.</param>
    /// <param name="random">Gives the places.</param>
    /// <returns>(B, 3, side, side)</returns>
    public static Tensor Crop(Tensor pictures, int side, Random random)
    {
        using var scope = NewDisposeScope();
        if (side == pictures.shape[2]) return pictures.alias().MoveToOuterDisposeScope();
        var pieces = Enumerable.Range(0, (int)pictures.shape[0]).Select(i => pictures.narrow(0, i, 1)
            .narrow(2, random.Next((int)pictures.shape[2] - side + 1), side).narrow(3, random.Next((int)pictures.shape[3] - side + 1), side));
        return cat([.. pieces]).MoveToOuterDisposeScope();
    }
}
