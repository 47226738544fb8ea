using System.Buffers.Binary;
using System.Text;

namespace DiffSynthSharp.Weights.Gguf;

/// <summary>Reads the parts of a GGUF file one after another, never beyond its end.</summary>
/// <param name="bytes">The whole file.</param>
/// <param name="path">Its name, for errors.</param>
internal sealed class GgufCursor(ByteRegion bytes, string path)
{
    private const int MaxText = 64 << 20;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Where the next part begins.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes that are left.</summary>
    public long Left => bytes.Length - Position;

    /// <summary>An error about the file.</summary>
    public DiffSynthException Malformed(string what, Exception? inner = null) => new($"'{path}' is no valid GGUF file: {OneLine.Of(what)}.", inner);

    /// <summary>The next bytes.</summary>
    /// <param name="count">How many.</param>
    /// <param name="what">What they are, for the error when they are not there.</param>
    public ReadOnlySpan<byte> Take(int count, string what)
    {
        if (count > Left) throw Malformed($"it ends inside {what}; it may be cut off, copy it again");
        var taken = bytes.Slice(Position, count);
        Position += count;
        return taken;
    }

    /// <summary>Passes over bytes that are known to be there.</summary>
    public void Skip(long count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Left);
        Position += count;
    }

    public uint UInt32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint), what));

    public ulong UInt64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong), what));

    /// <summary>A length and so many bytes of UTF-8.</summary>
    public string Text(string what)
    {
        var length = UInt64(what);
        if (length > (ulong)Left) throw Malformed($"{what} is {length} bytes long, more than the file has left");
        if (length > MaxText) throw Malformed($"{what} is {length} bytes long, more than {MaxText}");
        try
        {
            return s_strict.GetString(Take((int)length, what));
        }
        catch (DecoderFallbackException e)
        {
            throw Malformed($"{what} is no UTF-8 text", e);
        }
    }
}
