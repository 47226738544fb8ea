namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>Which row of T5's position table belongs to a distance between two tokens.</summary>
/// <remarks>
/// Raffel et al. 2020, section 2.1; tensorflow/mesh, mesh_tensorflow/transformer/transformer_layers.py (<c>_relative_position_bucket</c>),
/// huggingface/transformers, models/t5/modeling_t5.py. In float32 as there, since the borders of the far buckets hang on rounding.
/// </remarks>
internal static class T5Positions
{
    /// <summary>The bucket of a distance: half of them for tokens behind, of either half one each for near distances and ever wider ones for far.</summary>
    /// <param name="distance">Position of the key minus position of the query.</param>
    /// <param name="buckets">Rows of the table.</param>
    /// <param name="maxDistance">Distances from here on share a bucket.</param>
    public static long Bucket(long distance, long buckets, long maxDistance)
    {
        var half = buckets / 2;
        var first = distance > 0 ? half : 0;
        var (far, near) = (Math.Abs(distance), half / 2);
        if (far < near) return first + far;
        var share = MathF.Log((float)far / near) / (float)Math.Log(maxDistance / (double)near);
        return first + Math.Min(near + (long)(share * (half - near)), half - 1);
    }
}
