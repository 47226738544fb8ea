using System.Diagnostics;

namespace DiffSynthSharp.Fuzz;

/// <summary>Makes an input that fails smaller.</summary>
public static class Minimiser
{
    private const int MostTries = 3000;

    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(10);

    /// <summary>The smallest input found that fails in the same way: pieces are left out, the largest first.</summary>
    /// <param name="target">Reads it.</param>
    /// <param name="input">Fails.</param>
    /// <param name="kind">How.</param>
    public static byte[] Smaller(FuzzTarget target, byte[] input, string kind)
    {
        var (tries, start) = (0, Stopwatch.GetTimestamp());
        for (var piece = input.Length / 2; piece >= 1; piece /= 2)
            for (var at = 0; at < input.Length && tries < MostTries && Stopwatch.GetElapsedTime(start) < s_longest;)
            {
                byte[] without = [.. input.AsSpan(0, at), .. input.AsSpan(Math.Min(at + piece, input.Length))];
                tries++;
                if (Trial.Of(target, without).Failure?.Kind == kind) input = without;
                else at += piece;
            }
        return input;
    }
}
