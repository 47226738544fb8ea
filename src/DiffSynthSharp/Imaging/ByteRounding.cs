namespace DiffSynthSharp.Imaging;

/// <summary>How a decoded value between two bytes becomes one.</summary>
public enum ByteRounding
{
    /// <summary>To the nearest, halves to the even one (diffusers).</summary>
    Nearest,

    /// <summary>Down (DiffSynth-Studio).</summary>
    Truncate,
}
