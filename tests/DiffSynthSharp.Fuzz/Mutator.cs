using System.Buffers.Binary;
using System.Text;

namespace DiffSynthSharp.Fuzz;

/// <summary>Makes damaged copies; the same seed makes the same copies.</summary>
public sealed class Mutator
{
    private const int LongestPiece = 64;

    private static readonly ulong[] s_interesting =
        [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, long.MaxValue, 1UL << 63, ulong.MaxValue];

    // Digits and brackets of JSON, opcodes of pickles.
    private static readonly byte[] s_letters = [.. "0123456789-{}[]\",:.eRsu(tqh}])bc"u8, 0x81, 0x85, 0x86, 0x87, 0x8a, 0x93, 0x94];

    private readonly byte[][] _words;

    /// <param name="random">Decides what is damaged.</param>
    /// <param name="words">Words that are put in.</param>
    public Mutator(Random random, IReadOnlyList<string> words) => (Random, _words) = (random, [.. words.Select(Encoding.UTF8.GetBytes)]);

    /// <summary>Decides what is damaged.</summary>
    public Random Random { get; }

    /// <summary>Between one and three changes anywhere.</summary>
    /// <param name="original">Stays as it is.</param>
    /// <param name="donors">Other inputs, of which pieces are put in; at least one.</param>
    public byte[] Damage(byte[] original, IReadOnlyList<byte[]> donors)
    {
        var copy = (byte[])original.Clone();
        for (var times = Random.Next(1, 4); times > 0 && copy.Length > 0; times--)
            copy = Random.Next(10) switch
            {
                0 => copy[..Random.Next(copy.Length)],
                1 => Splice(copy, Piece(donors[Random.Next(donors.Count)])),
                2 => Remove(copy),
                3 => [.. copy, .. copy.AsSpan(Random.Next(copy.Length))],
                4 => Splice(copy, Piece(copy)),
                5 when _words.Length > 0 => Splice(copy, _words[Random.Next(_words.Length)]),
                _ => Overwrite(copy, 0, copy.Length),
            };
        return copy;
    }

    /// <summary>A piece of the input many times over, which shows what costs more than the input's length.</summary>
    /// <param name="original">Stays as it is; not empty.</param>
    /// <param name="longest">Bytes of the result at most, if the original has no more.</param>
    public byte[] Stretch(byte[] original, int longest)
    {
        var at = Random.Next(original.Length);
        var piece = original.AsSpan(at, Random.Next(1, Math.Min(original.Length - at, LongestPiece) + 1));
        // Much more often a few times than many, which take long to read.
        var times = Random.Next(1, Math.Max(2, ((longest - original.Length) >> Random.Next(8)) / piece.Length));
        using var longer = new MemoryStream();
        longer.Write(original, 0, at);
        for (; times > 0; times--) longer.Write(piece);
        longer.Write(original, at, original.Length - at);
        return longer.ToArray();
    }

    /// <summary>Changes one place of a range: a bit, a byte, a letter that formats use, or a number at the edge of a type's range.</summary>
    /// <param name="copy">Is changed and returned.</param>
    /// <param name="from">First byte of the range.</param>
    /// <param name="count">Its length, at least 1.</param>
    public byte[] Overwrite(byte[] copy, int from, int count)
    {
        int at = from + Random.Next(count), width = 1 << Random.Next(4);
        switch (Random.Next(4))
        {
            case 0: copy[at] ^= (byte)(1 << Random.Next(8)); break;
            case 1: copy[at] = (byte)Random.Next(256); break;
            case 2: copy[at] = s_letters[Random.Next(s_letters.Length)]; break;
            default:
                Span<byte> value = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(value, s_interesting[Random.Next(s_interesting.Length)]);
                value[..Math.Min(width, from + count - at)].CopyTo(copy.AsSpan(at));
                break;
        }
        return copy;
    }

    private byte[] Splice(byte[] copy, ReadOnlySpan<byte> piece)
    {
        var at = Random.Next(copy.Length + 1);
        return [.. copy.AsSpan(0, at), .. piece, .. copy.AsSpan(at)];
    }

    private ReadOnlySpan<byte> Piece(byte[] donor)
    {
        if (donor.Length == 0) return default;
        var from = Random.Next(donor.Length);
        return donor.AsSpan(from, Random.Next(1, Math.Min(donor.Length - from, LongestPiece) + 1));
    }

    private byte[] Remove(byte[] copy)
    {
        int at = Random.Next(copy.Length), count = Random.Next(1, Math.Min(copy.Length - at, LongestPiece) + 1);
        return [.. copy.AsSpan(0, at), .. copy.AsSpan(at + count)];
    }
}
