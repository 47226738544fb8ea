using System.Buffers.Binary;
using System.Globalization;

namespace DiffSynthSharp.Weights.Gguf;

/// <summary>The value of one note of a GGUF file.</summary>
/// <param name="Text">As people write it; a list in brackets, a long one only by its length.</param>
/// <param name="IsText">Whether it is text.</param>
/// <param name="Numbers">The whole numbers it consists of, or null when it has others or more than <see cref="ListShown"/>.</param>
internal sealed record GgufValue(string Text, bool IsText, long[]? Numbers)
{
    private const int ListShown = 64;
    private const int Deepest = 4;
    private const uint TextType = 8;
    private const uint ListType = 9;

    // By type number: u8, i8, u16, i16, u32, i32, f32, bool, text, list, u64, i64, f64.
    private static readonly int[] s_sizes = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];

    /// <summary>Reads a type and a value of it.</summary>
    /// <param name="cursor">Stands at the type.</param>
    /// <param name="key">What the value belongs to, for errors.</param>
    /// <exception cref="DiffSynthException">The value is malformed.</exception>
    public static GgufValue Read(GgufCursor cursor, string key) => Read(cursor, key, TypeOf(cursor, key), 0);

    private static uint TypeOf(GgufCursor cursor, string key)
    {
        var type = cursor.UInt32($"the value of '{key}'");
        return type < s_sizes.Length ? type : throw cursor.Malformed($"'{key}' has a value of the unknown type {type}");
    }

    private static GgufValue Read(GgufCursor cursor, string key, uint type, int depth) => type switch
    {
        TextType => new(cursor.Text($"the value of '{key}'"), true, null),
        ListType => ReadList(cursor, key, depth + 1),
        _ => ReadNumber(cursor, key, type),
    };

    private static GgufValue ReadList(GgufCursor cursor, string key, int depth)
    {
        if (depth > Deepest) throw cursor.Malformed($"the lists in '{key}' are nested too deep");
        var type = TypeOf(cursor, key);
        var count = cursor.UInt64($"the value of '{key}'");
        if (count > (ulong)cursor.Left / (ulong)s_sizes[type]) throw cursor.Malformed($"'{key}' announces a list of {count}, more than the file has left");
        if (count > ListShown) return SkipList(cursor, key, type, count, depth);
        var items = new List<GgufValue>();
        for (var i = 0UL; i < count; i++) items.Add(Read(cursor, key, type, depth));
        return new($"[{string.Join(", ", items.Select(item => item.Text))}]", false, items.All(item => item.Numbers is { Length: 1 }) ? [.. items.Select(item => item.Numbers![0])] : null);
    }

    private static GgufValue SkipList(GgufCursor cursor, string key, uint type, ulong count, int depth)
    {
        if (type is TextType or ListType)
            for (var i = 0UL; i < count; i++) Read(cursor, key, type, depth);
        else cursor.Skip((long)count * s_sizes[type]);
        return new($"[{count} values]", false, null);
    }

    private static GgufValue ReadNumber(GgufCursor cursor, string key, uint type)
    {
        var bytes = cursor.Take(s_sizes[type], $"the value of '{key}'");
        return type switch
        {
            0 => Whole(bytes[0]),
            1 => Whole((sbyte)bytes[0]),
            2 => Whole(BinaryPrimitives.ReadUInt16LittleEndian(bytes)),
            3 => Whole(BinaryPrimitives.ReadInt16LittleEndian(bytes)),
            4 => Whole(BinaryPrimitives.ReadUInt32LittleEndian(bytes)),
            5 => Whole(BinaryPrimitives.ReadInt32LittleEndian(bytes)),
            6 => Other(BinaryPrimitives.ReadSingleLittleEndian(bytes)),
            7 => new(bytes[0] switch { 0 => "false", 1 => "true", var other => throw cursor.Malformed($"'{key}' is {other}, expected 0 or 1") }, false, null),
            10 => Whole(BinaryPrimitives.ReadUInt64LittleEndian(bytes)),
            11 => Whole(BinaryPrimitives.ReadInt64LittleEndian(bytes)),
            _ => Other(BinaryPrimitives.ReadDoubleLittleEndian(bytes)),
        };
    }

    private static GgufValue Whole(Int128 value)
        => new(value.ToString(CultureInfo.InvariantCulture), false, value >= long.MinValue && value <= long.MaxValue ? [(long)value] : null);

    private static GgufValue Other(IFormattable value) => new(value.ToString(null, CultureInfo.InvariantCulture), false, null);
}
