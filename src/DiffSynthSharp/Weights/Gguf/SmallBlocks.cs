using System.Runtime.Intrinsics;
using static DiffSynthSharp.Weights.Gguf.BlockValues;

namespace DiffSynthSharp.Weights.Gguf;

/// <summary>Blocks of 32 elements: a half-precision scale, sometimes a minimum, then the numbers. The first 16 have the lower halves of bytes.</summary>
internal static unsafe class SmallBlocks
{
    /// <summary>Q4_0: (q − 8) · scale.</summary>
    public static void Q4Scaled(byte* block, float* to)
    {
        var (scale, q) = (Half(block), Vector128.Load(block + 2));
        var centre = Vector128.Create((sbyte)8);
        Write((q & Low).AsSByte() - centre, scale, 0, to);
        Write((q >>> 4).AsSByte() - centre, scale, 0, to + 16);
    }

    /// <summary>Q4_1: q · scale + minimum.</summary>
    public static void Q4Shifted(byte* block, float* to)
    {
        var (scale, minimum, q) = (Half(block), Half(block + 2), Vector128.Load(block + 4));
        Write((q & Low).AsSByte(), scale, minimum, to);
        Write((q >>> 4).AsSByte(), scale, minimum, to + 16);
    }

    /// <summary>Q5_0: (q − 16) · scale, the fifth bits apart.</summary>
    public static void Q5Scaled(byte* block, float* to)
    {
        var (scale, q) = (Half(block), Vector128.Load(block + 6));
        var centre = Vector128.Create((sbyte)16);
        Write((q & Low | Spread(block[2], block[3], 16)).AsSByte() - centre, scale, 0, to);
        Write((q >>> 4 | Spread(block[4], block[5], 16)).AsSByte() - centre, scale, 0, to + 16);
    }

    /// <summary>Q5_1: q · scale + minimum, the fifth bits apart.</summary>
    public static void Q5Shifted(byte* block, float* to)
    {
        var (scale, minimum, q) = (Half(block), Half(block + 2), Vector128.Load(block + 8));
        Write((q & Low | Spread(block[4], block[5], 16)).AsSByte(), scale, minimum, to);
        Write((q >>> 4 | Spread(block[6], block[7], 16)).AsSByte(), scale, minimum, to + 16);
    }

    /// <summary>Q8_0: q · scale.</summary>
    public static void Q8Scaled(byte* block, float* to)
    {
        var scale = Half(block);
        Write(Vector128.Load((sbyte*)block + 2), scale, 0, to);
        Write(Vector128.Load((sbyte*)block + 18), scale, 0, to + 16);
    }

    /// <summary>IQ4_NL: a value of the curve · scale.</summary>
    public static void Curve(byte* block, float* to)
    {
        var (scale, q) = (Half(block), Vector128.Load(block + 2));
        Write(Vector128.Shuffle(BlockValues.Curve, (q & Low).AsSByte()), scale, 0, to);
        Write(Vector128.Shuffle(BlockValues.Curve, (q >>> 4).AsSByte()), scale, 0, to + 16);
    }
}
