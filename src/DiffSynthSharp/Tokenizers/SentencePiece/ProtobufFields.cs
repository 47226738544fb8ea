using System.Buffers.Binary;

namespace DiffSynthSharp.Tokenizers.SentencePiece;

/// <summary>One field of a protocol buffer message.</summary>
/// <param name="Number">The field's number in the message's definition.</param>
/// <param name="Value">The number, when it is one (a float32 as its bits).</param>
/// <param name="Bytes">The text, bytes or message, when it is one.</param>
internal readonly record struct ProtobufField(int Number, ulong Value, ReadOnlyMemory<byte> Bytes);

/// <summary>Walks over the fields of a protocol buffer message without knowing its definition.</summary>
/// <remarks>protobuf.dev/programming-guides/encoding. Nothing is copied; every length is checked against what is there.</remarks>
internal static class ProtobufFields
{
    private const int Varint = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5, MaxVarintBytes = 10;

    /// <exception cref="InvalidDataException">The bytes are no protocol buffer message.</exception>
    public static IEnumerable<ProtobufField> Of(ReadOnlyMemory<byte> message)
    {
        for (var at = 0; at < message.Length;)
        {
            var tag = ReadVarint(message.Span, ref at);
            if (tag >> 3 is 0 or > int.MaxValue) throw new InvalidDataException($"field number {tag >> 3} at byte {at}");
            var number = (int)(tag >> 3);
            switch ((int)(tag & 7))
            {
                case Varint:
                    yield return new(number, ReadVarint(message.Span, ref at), default);
                    break;
                case Fixed64:
                    yield return new(number, BinaryPrimitives.ReadUInt64LittleEndian(Take(message, ref at, 8).Span), default);
                    break;
                case Delimited:
                    yield return new(number, 0, Take(message, ref at, ReadVarint(message.Span, ref at)));
                    break;
                case Fixed32:
                    yield return new(number, BinaryPrimitives.ReadUInt32LittleEndian(Take(message, ref at, 4).Span), default);
                    break;
                default:
                    throw new InvalidDataException($"a field of unknown kind {tag & 7} at byte {at}");
            }
        }
    }

    private static ReadOnlyMemory<byte> Take(ReadOnlyMemory<byte> message, ref int at, ulong length)
    {
        if (length > (ulong)(message.Length - at)) throw new InvalidDataException($"{length} bytes at byte {at}, where {message.Length - at} are left");
        var taken = message.Slice(at, (int)length);
        at += (int)length;
        return taken;
    }

    private static ulong ReadVarint(ReadOnlySpan<byte> bytes, ref int at)
    {
        var value = 0UL;
        for (var i = 0; i < MaxVarintBytes && at < bytes.Length; i++)
        {
            var b = bytes[at++];
            value |= (ulong)(b & 0x7F) << (7 * i);
            if (b < 0x80) return value;
        }
        throw new InvalidDataException($"a number without an end at byte {at}");
    }
}
