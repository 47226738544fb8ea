namespace DiffSynthSharp.Weights;

/// <summary>What the codes of 8-bit floats mean.</summary>
/// <remarks>Micikevicius et al., FP8 Formats for Deep Learning, arXiv 2209.05433: E5M2 is the upper half of an IEEE half; E4M3 has a bias of 7, no
/// infinities, and NaN only where all lower bits are set.</remarks>
internal static class Float8
{
    private const int E4M3Bias = 7;

    /// <summary>The value of a code.</summary>
    /// <param name="type">F8_E4M3 or F8_E5M2.</param>
    /// <param name="code">Any byte.</param>
    public static float Value(StoredType type, byte code)
    {
        if (type == StoredType.F8E5M2) return (float)BitConverter.UInt16BitsToHalf((ushort)(code << 8));
        if ((code & 0x7f) == 0x7f) return float.NaN;
        int exponent = code >> 3 & 15, mantissa = code & 7;
        var size = exponent == 0 ? float.ScaleB(mantissa, -2 - E4M3Bias) : float.ScaleB(8 + mantissa, exponent - 3 - E4M3Bias);
        return code > 0x7f ? -size : size;
    }
}
