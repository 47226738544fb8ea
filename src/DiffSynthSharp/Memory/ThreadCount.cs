using static TorchSharp.torch;

namespace DiffSynthSharp.Memory;

/// <summary>The threads of libtorch's operators, for the whole process.</summary>
internal static class ThreadCount
{
    private const int Most = 1024;

    /// <summary>Sets the number, or leaves it as it is when it is null.</summary>
    /// <remarks>Checked here because libtorch ends the process over a number that it does not like.</remarks>
    /// <exception cref="DiffSynthException">The number is not from 1 to 1024.</exception>
    public static void Use(int? threads)
    {
        if (threads is < 1 or > Most) throw new DiffSynthException($"{threads} threads don't fit: expected 1 … {Most}.");
        if (threads is { } number) set_num_threads(number);
    }
}
