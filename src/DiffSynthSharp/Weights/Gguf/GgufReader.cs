using System.Numerics;

namespace DiffSynthSharp.Weights.Gguf;

/// <summary>Reads and validates the head of a GGUF file: key-value pairs, then the tensors' names, sizes and places.</summary>
/// <remarks>
/// ggml-org/ggml, docs/gguf.md; versions 2 and 3, little-endian. Sizes stand with the fastest-running first, the reverse of ours. A tensor whose rows
/// don't fill blocks may be stored under another shape; <c>comfy.gguf.orig_shape.NAME</c> then has the true one (city96/ComfyUI-GGUF, tools/convert.py).
/// </remarks>
internal sealed class GgufReader
{
    private const string AlignmentKey = "general.alignment";
    private const string ArchitectureKey = "general.architecture";
    private const string TrueShapeKey = "comfy.gguf.orig_shape.";
    private const uint DefaultAlignment = 32;
    private const int SmallestPair = 8 + 4 + 1;
    private const int SmallestTensor = 8 + 4 + 4 + 8;
    private const int MaxRank = 4;

    private static readonly Dictionary<uint, StoredType> s_plain = new()
    {
        [0] = StoredType.F32,
        [1] = StoredType.F16,
        [24] = StoredType.I8,
        [25] = StoredType.I16,
        [26] = StoredType.I32,
        [27] = StoredType.I64,
        [28] = StoredType.F64,
        [30] = StoredType.BF16,
    };

    private readonly GgufCursor _cursor;
    private readonly long _length;
    private readonly Dictionary<string, GgufValue> _notes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorEntry> _entries = new(StringComparer.Ordinal);

    private GgufReader(ByteRegion bytes, string path) => (_cursor, _length) = (new GgufCursor(bytes, path), bytes.Length);

    /// <summary>True when the bytes begin as a GGUF file does.</summary>
    public static bool Matches(ReadOnlySpan<byte> start) => start.StartsWith("GGUF"u8);

    /// <summary>Reads the head.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="path">Its name, for errors.</param>
    /// <exception cref="DiffSynthException">Anything in it is not as the format demands.</exception>
    public static WeightLayout Read(ByteRegion bytes, string path)
    {
        var reader = new GgufReader(bytes, path);
        var (tensors, pairs) = reader.ReadCounts();
        for (var i = 0UL; i < pairs; i++) reader.ReadPair();
        for (var i = 0UL; i < tensors; i++) reader.ReadTensor();
        reader.Place();
        return new WeightLayout(reader._entries, reader._notes.ToDictionary(note => note.Key, note => note.Value.Text));
    }

    private (ulong Tensors, ulong Pairs) ReadCounts()
    {
        _cursor.Take(4, "its first word");
        var version = _cursor.UInt32("its version");
        if (version is not (2 or 3))
            throw _cursor.Malformed(System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(version) is 1 or 2 or 3
                ? "its byte order is big-endian, only little-endian files are read" : $"its version is {version}, versions 2 and 3 are read");
        var (tensors, pairs) = (_cursor.UInt64("the number of tensors"), _cursor.UInt64("the number of notes"));
        if (tensors > (ulong)_cursor.Left / SmallestTensor) throw _cursor.Malformed($"it announces {tensors} tensors, more than fit into it");
        if (pairs > (ulong)_cursor.Left / SmallestPair) throw _cursor.Malformed($"it announces {pairs} notes, more than fit into it");
        return (tensors, pairs);
    }

    private void ReadPair()
    {
        var key = _cursor.Text("a key");
        var value = GgufValue.Read(_cursor, key);
        if (!_notes.TryAdd(key, value)) throw _cursor.Malformed($"the key '{key}' is there twice");
        if (key == ArchitectureKey && !value.IsText) throw _cursor.Malformed($"{ArchitectureKey} is no text but {value.Text}");
    }

    private void ReadTensor()
    {
        var name = _cursor.Text("a tensor's name");
        var rank = _cursor.UInt32($"the rank of '{name}'");
        if (rank > MaxRank) throw _cursor.Malformed($"'{name}' has {rank} dimensions, more than {MaxRank}");
        var shape = new long[rank];
        Int128 elements = 1;
        for (var axis = (int)rank - 1; axis >= 0; axis--)
        {
            var side = _cursor.UInt64($"the shape of '{name}'");
            if (side == 0) throw _cursor.Malformed($"'{name}' has a dimension of zero");
            if (side > long.MaxValue || (elements *= side) > long.MaxValue / sizeof(double)) throw _cursor.Malformed($"the size of '{name}' overflows");
            shape[axis] = (long)side;
        }
        var entry = Typed(name, shape, _cursor.UInt32($"the type of '{name}'"));
        var offset = _cursor.UInt64($"the place of '{name}'");
        if (offset > (ulong)_length) throw _cursor.Malformed($"'{name}' lies beyond the end of the file (offset {offset}); the file may be cut off, copy it again");
        if (!_entries.TryAdd(name, entry with { Offset = (long)offset })) throw _cursor.Malformed($"the name '{name}' is there twice, two tensors have it");
    }

    private TensorEntry Typed(string name, long[] shape, uint code)
    {
        if (s_plain.TryGetValue(code, out var plain)) return new TensorEntry(name, plain, shape);
        var format = BlockFormat.Find(code) ?? throw _cursor.Malformed(
            $"'{name}' has the element type {code}; known are {string.Join(", ", s_plain.Values.Select(type => type.Name()).Concat(BlockFormat.Names))}");
        var row = shape.Length == 0 ? 1 : shape[^1];
        if (row % format.Elements != 0) throw _cursor.Malformed($"the rows of '{name}' have {row} elements, which are no whole blocks of {format.Elements} ({format.Name})");
        return new TensorEntry(name, StoredType.F32, shape) { Blocks = format };
    }

    // Offsets count from the end of the head, rounded up.
    private void Place()
    {
        var alignment = Alignment();
        var start = (_cursor.Position + alignment - 1) / alignment * alignment;
        if (_entries.Count > 0 && start > _length) throw _cursor.Malformed($"its tensors would begin at byte {start}, but it has {_length}");
        var end = start;
        foreach (var entry in _entries.Values.OrderBy(entry => entry.Offset).ToList())
        {
            if (entry.Offset % alignment != 0) throw _cursor.Malformed($"the offset of '{entry.Name}', {entry.Offset}, is no multiple of the alignment {alignment}");
            var at = start + entry.Offset;
            if (at < end) throw _cursor.Malformed($"'{entry.Name}' shares bytes with another tensor");
            if (entry.StoredBytes > _length - at)
                throw _cursor.Malformed($"'{entry.Name}' ends beyond the end of the file (byte {(Int128)at + entry.StoredBytes} of {_length}); the file may be cut off, copy it again");
            end = at + entry.StoredBytes;
            _entries[entry.Name] = entry with { Offset = at, Shape = TrueShape(entry) };
        }
    }

    private long Alignment()
    {
        if (!_notes.TryGetValue(AlignmentKey, out var value)) return DefaultAlignment;
        return value.Numbers is [var alignment] && alignment is > 0 and <= uint.MaxValue && BitOperations.IsPow2(alignment) ? alignment
            : throw _cursor.Malformed($"{AlignmentKey} is {value.Text}, expected a power of two");
    }

    private long[] TrueShape(TensorEntry entry)
    {
        if (!_notes.TryGetValue(TrueShapeKey + entry.Name, out var value)) return entry.Shape;
        Int128 elements = 1;
        if (value.Numbers is { Length: > 0 and <= MaxRank } shape)
            foreach (var side in shape) elements = side <= 0 || elements > long.MaxValue ? -1 : elements * side;
        return value.Numbers is { Length: > 0 and <= MaxRank } && elements == entry.Elements ? value.Numbers
            : throw _cursor.Malformed($"{TrueShapeKey}{entry.Name} is {value.Text}, which is no shape of the {entry.Elements} elements of {entry.ShapeText}");
    }
}
