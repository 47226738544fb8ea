using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace DiffSynthSharp.Weights;

/// <summary>Reads and validates the header of a safetensors file: length, JSON, then the tensors' bytes side by side without holes.</summary>
/// <remarks>Format and checks: huggingface/safetensors, README.md and safetensors/src/tensor.rs (<c>Metadata::validate</c>).</remarks>
internal sealed class SafetensorsHeader
{
    private const int LengthBytes = 8;
    private const int MaxHeaderBytes = 100_000_000;
    private const int MaxRank = 64;

    private readonly string _path;
    private readonly long _dataStart;
    private readonly long _dataLength;
    private readonly Dictionary<string, TensorEntry> _entries = [];
    private readonly Dictionary<string, string> _metadata = [];

    private SafetensorsHeader(string path, long dataStart, long dataLength) => (_path, _dataStart, _dataLength) = (path, dataStart, dataLength);

    /// <summary>True when the bytes begin as a safetensors file does: a length and an opening brace.</summary>
    public static bool Matches(ReadOnlySpan<byte> start) => start.Length > LengthBytes && start[LengthBytes] == '{';

    /// <summary>Reads the header.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="path">Its name, for errors.</param>
    /// <exception cref="DiffSynthException">Anything in it is not as the format demands.</exception>
    public static WeightLayout Read(ByteRegion bytes, string path)
    {
        if (bytes.Length < LengthBytes)
            throw new DiffSynthException($"'{path}' is too short to be a safetensors file or any checkpoint: {bytes.Length} bytes. Download or copy it again.");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice(0, LengthBytes));
        if (length == 0) throw new DiffSynthException($"'{path}' has an empty safetensors header (length 0).");
        if (length > (ulong)(bytes.Length - LengthBytes))
            throw new DiffSynthException($"'{path}' is damaged or no checkpoint: as safetensors its header length would be {length}, "
                + $"but the file has {bytes.Length} bytes in all.");
        if (length > MaxHeaderBytes)
            throw new DiffSynthException($"'{path}' has a safetensors header length of {length} bytes, more than the {MaxHeaderBytes} that the format allows.");
        var header = new SafetensorsHeader(path, LengthBytes + (long)length, bytes.Length - LengthBytes - (long)length);
        header.ReadJson(bytes.Slice(LengthBytes, (int)length));
        header.CheckLayout();
        return new WeightLayout(header._entries, header._metadata);
    }

    private DiffSynthException Malformed(string what, Exception? inner = null) => new($"'{_path}' is no valid safetensors file: {OneLine.Of(what)}.", inner);

    private void ReadJson(ReadOnlySpan<byte> json)
    {
        if (!System.Text.Unicode.Utf8.IsValid(json)) throw Malformed("its header is not UTF-8 text");
        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject) throw Malformed("its header is not an object but JSON of another kind");
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = Text(ref reader, "a name");
                reader.Read();
                if (name == "__metadata__") ReadMetadata(ref reader);
                else if (!_entries.TryAdd(name, ReadEntry(ref reader, name))) throw Malformed($"the name '{name}' is a duplicate, two tensors have it");
            }
            if (reader.Read()) throw Malformed("its header goes on after its end");
        }
        catch (JsonException e)
        {
            throw Malformed(e.Message.Contains("depth", StringComparison.OrdinalIgnoreCase)
                ? "the nesting in its header is too deep" : $"its header is not JSON ({FirstSentence(e.Message)})", e);
        }
    }

    private static string FirstSentence(string message) => message.Split(". ")[0].TrimEnd('.');

    // Text that escapes a lone surrogate is legal JSON but no text.
    private string Text(ref Utf8JsonReader reader, string what)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw Malformed($"{what} in its header is no valid text (half a surrogate pair)", e);
        }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw Malformed("its __metadata__ is not an object");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = Text(ref reader, "a __metadata__ key");
            reader.Read();
            if (reader.TokenType != JsonTokenType.String) throw Malformed($"the __metadata__ value of '{key}' is not a string");
            if (!_metadata.TryAdd(key, Text(ref reader, "a __metadata__ value"))) throw Malformed($"__metadata__ has a duplicate key '{key}'");
        }
    }

    private TensorEntry ReadEntry(ref Utf8JsonReader reader, string name)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip(); // which finds nesting that is too deep
            throw Malformed($"the description of '{name}' is not an object");
        }
        StoredType? type = null;
        List<long>? shape = null, offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = Text(ref reader, "a key");
            reader.Read();
            if (key is "dtype" && type is null) type = ReadType(ref reader, name);
            else if (key is "shape" && shape is null) shape = ReadNumbers(ref reader, name, "dimension");
            else if (key is "data_offsets" && offsets is null) offsets = ReadNumbers(ref reader, name, "offset");
            else throw Malformed($"the description of '{name}' has an unknown or duplicate key '{key}'");
        }
        if (type is null || shape is null || offsets is not { Count: 2 })
        {
            var lacking = type is null ? "dtype" : shape is null ? "shape" : "data_offsets (a pair)";
            throw Malformed($"the description of '{name}' is incomplete: missing {lacking}");
        }
        if (shape.Count > MaxRank) throw Malformed($"'{name}' has {shape.Count} dimensions, more than {MaxRank}");
        var entry = new TensorEntry(name, type.Value, [.. shape]) { Offset = offsets[0] };
        CheckSize(entry, offsets[1]);
        return entry with { Offset = _dataStart + entry.Offset };
    }

    private StoredType ReadType(ref Utf8JsonReader reader, string name)
    {
        var text = reader.TokenType == JsonTokenType.String ? Text(ref reader, "a dtype") : Encoding.UTF8.GetString(reader.ValueSpan);
        return StoredTypes.Find(text) ?? throw Malformed($"'{name}' has the unknown element type '{text}'; known are {string.Join(", ", StoredTypes.Names)}");
    }

    private List<long> ReadNumbers(ref Utf8JsonReader reader, string name, string what)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw Malformed($"the {what}s of '{name}' are not a list");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number) throw Malformed($"'{name}' has one {what} that is not an integer");
            var text = Encoding.UTF8.GetString(reader.ValueSpan);
            if (text.StartsWith('-')) throw Malformed($"'{name}' has a negative {what}: {text}");
            if (text.AsSpan().ContainsAnyExceptInRange('0', '9')) throw Malformed($"'{name}' has one {what} that is not an integer: {text}");
            if (!long.TryParse(text, out var number)) throw Malformed($"'{name}' has a size that overflows, {what} {text} is out of range");
            numbers.Add(number);
        }
        return numbers;
    }

    private void CheckSize(TensorEntry entry, long end)
    {
        if (entry.Offset > end) throw Malformed($"the offsets of '{entry.Name}' are in the wrong order: {entry.Offset} after {end}");
        if (end > _dataLength)
            throw Malformed($"'{entry.Name}' lies beyond the end of the file (offset {end} of {_dataLength}); it may be a truncated file, copy it again");
        Int128 bytes = entry.Type.Size();
        foreach (var side in entry.Shape)
            if ((bytes *= side) > long.MaxValue) throw Malformed($"the size of '{entry.Name}' overflows: {entry.ShapeText} of {entry.Type.Name()}");
        if (bytes != end - entry.Offset)
        {
            var span = end - entry.Offset;
            throw Malformed($"shape and offsets of '{entry.Name}' disagree: {entry.ShapeText} of {entry.Type.Name()} takes {bytes} bytes, not {span}");
        }
    }

    private void CheckLayout()
    {
        var at = _dataStart;
        foreach (var entry in _entries.Values.OrderBy(entry => entry.Offset).ThenBy(entry => entry.Bytes))
        {
            if (entry.Offset < at) throw Malformed($"the offsets of '{entry.Name}' are overlapping those of another tensor");
            if (entry.Offset > at) throw Malformed($"a hole before '{entry.Name}': {entry.Offset - at} bytes that belong to no tensor");
            at += entry.Bytes;
        }
        if (at != _dataStart + _dataLength) throw Malformed($"{_dataStart + _dataLength - at} bytes after the last tensor belong to none");
    }
}
