using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace DiffSynthSharp.Fuzz;

/// <summary>Which branches of an instrumented library an input took, and whether that was new. Without instrumentation nothing ever is.</summary>
/// <remarks>AFL's map: a counter for each pair of branches taken one after the other, compared in eight ranges (M. Zalewski, afl technical details, 2).</remarks>
public sealed unsafe class Coverage
{
    private const int MapSize = 1 << 16;

    private static readonly byte[] s_ranges = Ranges();

    private readonly byte* _map = (byte*)NativeMemory.AlignedAlloc(MapSize, 64);
    private readonly byte[] _seen = new byte[MapSize];

    /// <summary>Takes the place of the map that instrumented code writes to, for good.</summary>
    public Coverage()
    {
        Clear();
        Trace.SharedMem = _map;
    }

    /// <summary>Pairs of branches seen so far.</summary>
    public int Edges => _seen.Count(ranges => ranges != 0);

    /// <summary>Forgets the last input.</summary>
    public void Clear()
    {
        new Span<byte>(_map, MapSize).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Forgets all inputs.</summary>
    public void Reset() => Array.Clear(_seen);

    /// <summary>Whether the input since <see cref="Clear"/> went where none went before, or much more often.</summary>
    public bool IsNew()
    {
        var isNew = false;
        var words = new ReadOnlySpan<ulong>(_map, MapSize / sizeof(ulong));
        for (var word = 0; word < words.Length; word++)
        {
            if (words[word] == 0) continue;
            for (var i = word * sizeof(ulong); i < (word + 1) * sizeof(ulong); i++)
            {
                var range = s_ranges[_map[i]];
                if ((range & ~_seen[i]) == 0) continue;
                _seen[i] |= range;
                isNew = true;
            }
        }
        return isNew;
    }

    // 1, 2, 3, 4–7, 8–15, 16–31, 32–127, 128–255: a bit each.
    private static byte[] Ranges()
    {
        var ranges = new byte[256];
        int[] starts = [1, 2, 3, 4, 8, 16, 32, 128, 256];
        for (var range = 0; range < 8; range++) ranges.AsSpan(starts[range]..starts[range + 1]).Fill((byte)(1 << range));
        return ranges;
    }
}
