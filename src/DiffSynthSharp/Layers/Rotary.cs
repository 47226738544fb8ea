using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>Rotary positions on several axes: each axis turns its share of a head's neighbouring pairs by angles that grow with the position.</summary>
/// <remarks>
/// Su et al. 2021, arXiv 2104.09864; black-forest-labs/flux, src/flux/math.py, rope and apply_rope: angles in float64, rotation in float32.
/// A table of 4608 positions takes a few milliseconds, so it is made for each call and kept nowhere.
/// </remarks>
internal static class Rotary
{
    private const double Base = 10000;

    /// <summary>The turn of every pair at every position.</summary>
    /// <param name="positions">(N, axes)</param>
    /// <param name="axes">Head channels of each axis, even numbers.</param>
    /// <returns>(N, d/2) complex64 of length 1, on the positions' device; d is the sum of the axes.</returns>
    public static Tensor Table(Tensor positions, IReadOnlyList<long> axes)
    {
        using var scope = NewDisposeScope();
        var exact = positions.to(CPU).to(ScalarType.Float64);
        var angles = cat([.. axes.Select((width, axis) => outer(exact.select(1, axis), Frequencies(width)))], 1); // (N, d/2)
        return polar(ones_like(angles), angles).to(ScalarType.ComplexFloat32).to(positions.device).MoveToOuterDisposeScope();
    }

    /// <summary>Turns queries or keys.</summary>
    /// <param name="x">(B, N, heads, d)</param>
    /// <param name="table">(N, d/2) complex64</param>
    /// <returns>(B, N, heads·d) of the element type of <paramref name="x"/></returns>
    public static Tensor Turn(Tensor x, Tensor table)
    {
        using var scope = NewDisposeScope();
        var (batch, count, heads, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
        var pairs = x.to(ScalarType.Float32).reshape(batch, count, heads, width / 2, 2).view_as_complex(); // (B, N, heads, d/2)
        var turned = (pairs * table.unsqueeze(1)).view_as_real(); // (B, N, heads, d/2, 2)
        return turned.reshape(batch, count, heads * width).to(x.dtype).MoveToOuterDisposeScope();
    }

    private static Tensor Frequencies(long width) => exp(arange(0, width, 2, dtype: ScalarType.Float64) * (-Math.Log(Base) / width)); // (width/2)
}
