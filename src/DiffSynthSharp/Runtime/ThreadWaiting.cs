using System.Runtime.InteropServices;

namespace DiffSynthSharp.Runtime;

/// <summary>How long libtorch's threads spin for each other before they sleep.</summary>
/// <remarks>
/// GNU OpenMP spins for milliseconds at the end of every parallel loop. Where other programs want the cores too, a thread then spins
/// away the time that the thread it waits for needs: with a load of five programs per core the starter model's 10 steps took more than a
/// minute, and 3 s with a short spin (GCC's libgomp manual, GOMP_SPINCOUNT).
/// </remarks>
internal static class ThreadWaiting
{
    /// <summary>The variable that libgomp reads when it is loaded.</summary>
    public const string SpinCount = "GOMP_SPINCOUNT";

    private const string Policy = "OMP_WAIT_POLICY";

    // Long enough that loops which follow each other at once find their threads awake (a step takes as long as with the default), short
    // enough that a busy machine isn't stalled; figures in benchmarks/results/base-line.md.
    private const string ShortSpin = "10000";

    /// <summary>Asks for a short spin, unless the user has asked for something; must come before libtorch is loaded.</summary>
    public static void KeepShort()
    {
        // Through libc: .NET keeps its own copy of the environment, which native code does not see.
        if (OperatingSystem.IsLinux() && Native(Policy) is null) _ = setenv(SpinCount, ShortSpin, 0);
    }

    /// <summary>A variable as native code sees it.</summary>
    public static string? Native(string name) => Marshal.PtrToStringUTF8(getenv(name));

    [DllImport("libc")]
    private static extern int setenv(string name, string value, int overwrite);

    [DllImport("libc")]
    private static extern nint getenv(string name);
}
