using System.Buffers.Binary;
using System.Runtime.Intrinsics;
using static DiffSynthSharp.Weights.Gguf.BlockValues;

namespace DiffSynthSharp.Weights.Gguf;

/// <summary>Blocks of 256 elements in groups of 16 or 32, whose scales are numbers of a few bits times one of half precision.</summary>
internal static unsafe class LargeBlocks
{
    private static readonly Vector128<byte> s_two = Vector128.Create((byte)3);

    /// <summary>Q2_K: groups of 16, q · scale − minimum.</summary>
    public static void Q2(byte* block, float* to)
    {
        var (scale, minimum) = (Half(block + 80), Half(block + 82));
        for (var group = 0; group < 16; group++, to += 16)
        {
            var q = Vector128.Load(block + 16 + group / 8 * 32 + group % 2 * 16) >>> (group % 8 / 2 * 2) & s_two;
            Write(q.AsSByte(), scale * (block[group] & 15), -(minimum * (block[group] >> 4)), to);
        }
    }

    /// <summary>Q3_K: groups of 16, (q − 4) · scale, the third bits apart.</summary>
    public static void Q3(byte* block, float* to)
    {
        var scale = Half(block + 108);
        var packed = block + 96;
        for (var group = 0; group < 16; group++, to += 16)
        {
            var low = group < 8 ? packed[group] & 15 : packed[group - 8] >> 4;
            var factor = (low | (packed[8 + group % 4] >> group / 4 * 2 & 3) << 4) - 32;
            var q = Vector128.Load(block + 32 + group / 8 * 32 + group % 2 * 16) >>> (group % 8 / 2 * 2) & s_two;
            var third = Where(Vector128.Load(block + group % 2 * 16), (byte)(1 << group / 2), 4);
            Write((q + third).AsSByte() - Vector128.Create((sbyte)4), scale * factor, 0, to);
        }
    }

    /// <summary>Q4_K: groups of 32, q · scale − minimum.</summary>
    public static void Q4(byte* block, float* to)
    {
        var (scale, minimum) = (Half(block), Half(block + 2));
        for (var group = 0; group < 8; group++, to += 32)
        {
            var (factor, least) = Pair(block + 4, group);
            var (times, plus) = (scale * factor, -(minimum * least));
            var codes = block + 16 + group / 2 * 32;
            var (a, b) = (Vector128.Load(codes), Vector128.Load(codes + 16));
            Write((group % 2 == 0 ? a & Low : a >>> 4).AsSByte(), times, plus, to);
            Write((group % 2 == 0 ? b & Low : b >>> 4).AsSByte(), times, plus, to + 16);
        }
    }

    /// <summary>Q5_K: groups of 32, q · scale − minimum, the fifth bits apart.</summary>
    public static void Q5(byte* block, float* to)
    {
        var (scale, minimum) = (Half(block), Half(block + 2));
        var (fifthA, fifthB) = (Vector128.Load(block + 16), Vector128.Load(block + 32));
        for (var group = 0; group < 8; group++, to += 32)
        {
            var (factor, least) = Pair(block + 4, group);
            var (times, plus, bit) = (scale * factor, -(minimum * least), (byte)(1 << group));
            var codes = block + 48 + group / 2 * 32;
            var (a, b) = (Vector128.Load(codes), Vector128.Load(codes + 16));
            Write(((group % 2 == 0 ? a & Low : a >>> 4) | Where(fifthA, bit, 16)).AsSByte(), times, plus, to);
            Write(((group % 2 == 0 ? b & Low : b >>> 4) | Where(fifthB, bit, 16)).AsSByte(), times, plus, to + 16);
        }
    }

    /// <summary>Q6_K: groups of 16, (q − 32) · scale, the upper two bits apart.</summary>
    public static void Q6(byte* block, float* to)
    {
        var scale = Half(block + 208);
        for (var group = 0; group < 16; group++, to += 16)
        {
            var (half, quarter) = (group / 8, group % 8 / 2);
            var codes = Vector128.Load(block + half * 64 + quarter % 2 * 32 + group % 2 * 16);
            var upper = Vector128.Load(block + 128 + half * 32 + group % 2 * 16) >>> (quarter * 2) & s_two;
            var q = (quarter < 2 ? codes & Low : codes >>> 4) | upper << 4;
            Write(q.AsSByte() - Vector128.Create((sbyte)32), scale * (sbyte)block[192 + group], 0, to);
        }
    }

    /// <summary>IQ4_XS: groups of 32, a value of the curve · scale.</summary>
    public static void Curve(byte* block, float* to)
    {
        var scale = Half(block);
        var upper = BinaryPrimitives.ReadUInt16LittleEndian(new ReadOnlySpan<byte>(block + 2, 2));
        for (var group = 0; group < 8; group++, to += 32)
        {
            var factor = (block[4 + group / 2] >> group % 2 * 4 & 15 | (upper >> group * 2 & 3) << 4) - 32;
            var q = Vector128.Load(block + 8 + group * 16);
            Write(Vector128.Shuffle(BlockValues.Curve, (q & Low).AsSByte()), scale * factor, 0, to);
            Write(Vector128.Shuffle(BlockValues.Curve, (q >>> 4).AsSByte()), scale * factor, 0, to + 16);
        }
    }
}
