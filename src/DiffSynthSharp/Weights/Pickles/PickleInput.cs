using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace DiffSynthSharp.Weights.Pickles;

/// <summary>The bytes of a pickle, read forwards; every length is checked before anything is made of it.</summary>
/// <param name="bytes">The file.</param>
/// <param name="start">Where the pickle begins.</param>
/// <param name="end">Where it must have ended.</param>
/// <param name="path">The file's name, for errors.</param>
internal sealed class PickleInput(ByteRegion bytes, long start, long end, string path)
{
    private const int MaxNumberBytes = 1024;
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);
    private static readonly object[] s_small = [.. Enumerable.Range(0, 256).Select(value => (object)(long)value)];

    /// <summary>Where the next byte is read, counted from the beginning of the file.</summary>
    public long Position { get; private set; } = start;

    /// <summary>Bytes that are left.</summary>
    public long Left => end - Position;

    /// <summary>The error for something that must not be in a checkpoint.</summary>
    public DiffSynthException Malformed(string what, Exception? inner = null) =>
        new($"'{path}' is no valid checkpoint: {OneLine.Of(what)} (byte {Position}).", inner);

    /// <summary>The next byte.</summary>
    public byte Byte() => Take(1, "a value")[0];

    /// <summary>An opcode.</summary>
    public byte Opcode() => Left > 0 ? Byte() : throw Malformed("a pickle ends before STOP, the file is truncated");

    /// <summary>Unsigned 16-bit integer.</summary>
    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2, "a number"));

    /// <summary>Signed 32-bit integer.</summary>
    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4, "a number"));

    /// <summary>Unsigned 32-bit integer.</summary>
    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, "a number"));

    /// <summary>Unsigned 64-bit integer.</summary>
    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, "a number"));

    /// <summary>Double, big-endian as pickles have it.</summary>
    public double Double() => BinaryPrimitives.ReadDoubleBigEndian(Take(8, "a number"));

    /// <summary>Leaves bytes out.</summary>
    public void Skip(ulong count, string what)
    {
        if (count > (ulong)Left) throw Malformed($"{what} longer than the data ({count} bytes where {Left} are left)");
        Position += (long)count;
    }

    /// <summary>UTF-8 text of a given number of bytes.</summary>
    public string Text(ulong count)
    {
        if (count > (ulong)Left) throw Malformed($"a string longer than the data ({count} bytes where {Left} are left)");
        var text = Take((long)count, "a string");
        try
        {
            return s_strict.GetString(text);
        }
        catch (DecoderFallbackException e)
        {
            throw Malformed("a string that is not UTF-8 text", e);
        }
    }

    /// <summary>Text of Python 2, whose encoding is unknown: UTF-8 where it fits, else Latin-1.</summary>
    public string OldText(long count)
    {
        if (count < 0) throw Malformed("a string of negative length");
        var text = Take(count, "a string");
        return System.Text.Unicode.Utf8.IsValid(text) ? Encoding.UTF8.GetString(text) : Encoding.Latin1.GetString(text);
    }

    /// <summary>Text up to the end of the line.</summary>
    public string Line()
    {
        var rest = bytes.Slice(Position, (int)Math.Min(Left, int.MaxValue));
        var length = rest.IndexOf((byte)'\n');
        if (length < 0) throw Malformed("a line without an end");
        var line = OldText(length);
        Position++;
        return line;
    }

    /// <summary>A signed integer of a given number of bytes, little-endian.</summary>
    public object Number(long count)
    {
        if (count < 0) throw Malformed("a number of negative length");
        if (count > MaxNumberBytes) throw Malformed($"a number of {count} bytes, more than {MaxNumberBytes}");
        return Box(new BigInteger(Take(count, "a number")));
    }

    /// <summary>A decimal integer on a line; <c>00</c> and <c>01</c> are truth values.</summary>
    public object DecimalLine()
    {
        var line = Line();
        if (line is "00" or "01") return line == "01";
        var digits = line.AsSpan().TrimEnd('L');
        if (digits.Length > MaxNumberBytes || !BigInteger.TryParse(digits, out var number)) throw Malformed("a number that is none");
        return Box(number);
    }

    /// <summary>An integer as an object; a long where it fits.</summary>
    public static object Box(BigInteger number) => number >= long.MinValue && number <= long.MaxValue ? Box((long)number) : number;

    /// <summary>An integer as an object.</summary>
    public static object Box(long number) => number is >= 0 and < 256 ? s_small[number] : number;

    private ReadOnlySpan<byte> Take(long count, string what)
    {
        if (count > Left) throw Malformed($"{what} longer than the data, the file is truncated");
        var taken = bytes.Slice(Position, (int)count);
        Position += count;
        return taken;
    }
}
