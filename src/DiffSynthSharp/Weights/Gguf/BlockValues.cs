using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiffSynthSharp.Weights.Gguf;

/// <summary>Steps that the block formats share.</summary>
internal static unsafe class BlockValues
{
    /// <summary>The 16 values between which IQ4 blocks choose (<c>kvalues_iq4nl</c>).</summary>
    public static readonly Vector128<sbyte> Curve = Vector128.Create((sbyte)-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    /// <summary>The lower four bits of every byte.</summary>
    public static readonly Vector128<byte> Low = Vector128.Create((byte)15);

    private const ulong EightTimes = 0x0101010101010101;

    private static readonly Vector128<byte> s_bits = Vector128.Create((byte)1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128);

    /// <summary>A half-precision number.</summary>
    public static float Half(byte* at) => (float)BitConverter.UInt16BitsToHalf((ushort)(at[0] | at[1] << 8));

    /// <summary>Writes 16 times <c>scale · q + shift</c>, each step rounded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(Vector128<sbyte> q, float scale, float shift, float* to)
    {
        var (lower, upper) = Vector128.Widen(q);
        var (a, b) = Vector128.Widen(lower);
        var (c, d) = Vector128.Widen(upper);
        var (times, plus) = (Vector128.Create(scale), Vector128.Create(shift));
        (Vector128.ConvertToSingle(a) * times + plus).Store(to);
        (Vector128.ConvertToSingle(b) * times + plus).Store(to + 4);
        (Vector128.ConvertToSingle(c) * times + plus).Store(to + 8);
        (Vector128.ConvertToSingle(d) * times + plus).Store(to + 12);
    }

    /// <summary>A byte for each of 16 bits, the lowest first: <paramref name="value"/> where the bit is set, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Spread(byte low, byte high, byte value)
    {
        var bytes = Vector128.Create(low * EightTimes, high * EightTimes).AsByte();
        return Vector128.Equals(bytes & s_bits, s_bits) & Vector128.Create(value);
    }

    /// <summary><paramref name="value"/> in every byte in which one of the bits is set, else 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Where(Vector128<byte> bytes, byte bits, byte value)
        => ~Vector128.Equals(bytes & Vector128.Create(bits), Vector128<byte>.Zero) & Vector128.Create(value);

    /// <summary>Scale and minimum of a group of 32 in Q4_K and Q5_K: twelve bytes hold eight pairs of six bits (<c>get_scale_min_k4</c>).</summary>
    public static (int Scale, int Minimum) Pair(byte* packed, int group)
        => group < 4 ? (packed[group] & 63, packed[group + 4] & 63)
            : (packed[group + 4] & 15 | packed[group - 4] >> 6 << 4, packed[group + 4] >> 4 | packed[group] >> 6 << 4);
}
