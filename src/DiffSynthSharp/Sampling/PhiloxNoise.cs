using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>The normal noise that PyTorch draws on a CUDA device, computed anywhere.</summary>
/// <remarks>
/// Salmon et al. (2011), Philox 4x32 with ten rounds; element i of a tensor takes counter i. On a real GPU elements beyond the launch grid differ by card.
/// </remarks>
internal static class PhiloxNoise
{
    private const float ToUnit = 2.3283064e-10f;
    private const float ToTurn = 2.3283064e-10f * 6.2831855f;

    /// <summary>Standard normal numbers.</summary>
    /// <param name="shape">Any.</param>
    /// <param name="seed">All 64 bits count.</param>
    /// <param name="offset">How many tensors the generator made before.</param>
    public static Tensor Normal(ReadOnlySpan<long> shape, ulong seed, uint offset = 0)
    {
        long count = 1;
        foreach (var size in shape) count *= size;
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            var (first, second) = Words(seed, offset, (uint)i);
            var u = (double)first * ToUnit + ToUnit / 2;
            var v = (double)second * ToTurn + ToTurn / 2;
            values[i] = (float)(Math.Sqrt(-2 * Math.Log(u)) * Math.Sin(v));
        }
        return tensor(values, shape.ToArray());
    }

    /// <summary>The first two random words of a counter.</summary>
    public static (uint First, uint Second) Words(ulong seed, uint offset, uint index)
    {
        uint c0 = offset, c1 = 0, c2 = index, c3 = 0, k0 = (uint)seed, k1 = (uint)(seed >> 32);
        for (var round = 0; round < 10; round++)
        {
            var (a, b) = ((ulong)c0 * 0xD2511F53, (ulong)c2 * 0xCD9E8D57);
            (c0, c1, c2, c3) = ((uint)(b >> 32) ^ c1 ^ k0, (uint)b, (uint)(a >> 32) ^ c3 ^ k1, (uint)a);
            (k0, k1) = (k0 + 0x9E3779B9, k1 + 0xBB67AE85);
        }
        return (c0, c1);
    }
}
