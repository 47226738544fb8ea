using System.Buffers.Binary;
using System.Text.Json;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>A sound safetensors file from a list of its tensors.</summary>
internal static class TensorList
{
    private const int MostTensors = 2000;
    private const long MostElements = 4096;
    private const byte Filling = 0x3c; // every floating-point type has a small number of these bytes

    /// <param name="text">Lines: a tensor as <c>name type 4x3</c>, a note as <c>#key note</c>. Others, and tensors that are large, are left out.</param>
    public static byte[] Safetensors(string text)
    {
        var (tensors, notes) = (new Dictionary<string, (StoredType Type, long[] Shape)>(), new Dictionary<string, string>());
        foreach (var line in text.Split('\n').Take(MostTensors))
        {
            var parts = line.Split(' ', line.StartsWith('#') ? 2 : 3);
            if (line.StartsWith('#') && parts.Length == 2) notes[parts[0][1..]] = parts[1];
            else if (parts.Length == 3 && StoredTypes.Find(parts[1]) is { } type && ShapeOf(parts[2]) is { } shape) tensors[parts[0]] = (type, shape);
        }
        return File(tensors, notes);
    }

    private static byte[] File(Dictionary<string, (StoredType Type, long[] Shape)> tensors, Dictionary<string, string> notes)
    {
        using var header = new MemoryStream();
        var at = 0L;
        using (var json = new Utf8JsonWriter(header))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            foreach (var (key, note) in notes) json.WriteString(key, note);
            json.WriteEndObject();
            foreach (var (name, (type, shape)) in tensors.Where(tensor => tensor.Key != "__metadata__"))
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", type.Name());
                Numbers(json, "shape", shape);
                Numbers(json, "data_offsets", at, at += shape.Aggregate(1L, (product, side) => product * side) * type.Size());
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        var file = new byte[sizeof(long) + header.Length + at];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.ToArray().CopyTo(file, sizeof(long));
        file.AsSpan(sizeof(long) + (int)header.Length).Fill(Filling);
        return file;
    }

    private static long[]? ShapeOf(string text)
    {
        var sides = text.Trim().Split('x', StringSplitOptions.RemoveEmptyEntries);
        var (shape, elements) = (new long[sides.Length], 1L);
        for (var i = 0; i < sides.Length; i++)
            if (!long.TryParse(sides[i], out shape[i]) || shape[i] is < 0 or > MostElements || (elements *= Math.Max(1, shape[i])) > MostElements) return null;
        return shape;
    }

    private static void Numbers(Utf8JsonWriter json, string name, params ReadOnlySpan<long> numbers)
    {
        json.WriteStartArray(name);
        foreach (var number in numbers) json.WriteNumberValue(number);
        json.WriteEndArray();
    }
}
