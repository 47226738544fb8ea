using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>Writes safetensors files: to a temporary file beside the target, which then takes its place.</summary>
/// <remarks>Order as the reference writes it: element types of larger alignment first, then names by their UTF-8 bytes; the header is padded with blanks so
/// that the data begins at a multiple of eight (huggingface/safetensors, safetensors/src/tensor.rs, <c>prepare</c>).</remarks>
internal static class SafetensorsWriter
{
    private const int Alignment = 8;
    private const int Step = 64 << 20;
    private static readonly JsonWriterOptions s_plainText = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes tensors that are in memory.</summary>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="tensors">Names and values; any device, any layout. They stay the caller's.</param>
    /// <param name="metadata">Notes for the header, or null.</param>
    /// <exception cref="DiffSynthException">A type has no stored form, a name comes twice, or the file cannot be written.</exception>
    public static void Write(string path, IEnumerable<(string Name, Tensor Value)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var values = new Dictionary<string, Tensor>();
        foreach (var (name, value) in tensors)
            if (!values.TryAdd(name, value)) throw new DiffSynthException($"The tensor '{name}' was given twice for '{path}'.");
        var entries = values.Select(pair => new TensorEntry(pair.Key, StoredTypes.Of(pair.Value), pair.Value.shape));
        Write(path, entries, entry => values[entry.Name].alias(), metadata);
    }

    /// <summary>Writes tensors one at a time, so that a large file never has to be in memory whole.</summary>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="entries">What will be written; names must differ, offsets are ignored.</param>
    /// <param name="read">Gives the tensor of an entry, of exactly its type and shape; called once for each in file order; the result is disposed.</param>
    /// <param name="metadata">Notes for the header, or null.</param>
    /// <exception cref="DiffSynthException">A tensor differs from its entry, or the file cannot be written.</exception>
    public static void Write(
        string path, IEnumerable<TensorEntry> entries, Func<TensorEntry, Tensor> read, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var ordered = entries.OrderByDescending(entry => entry.Type).ThenBy(entry => Encoding.UTF8.GetBytes(entry.Name), s_byBytes).ToList();
        var header = Header(ordered, metadata);
        AtomicFile.Write(path, stream =>
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (var entry in ordered) WriteTensor(stream, entry, read);
        });
    }

    private static readonly Comparer<byte[]> s_byBytes = Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right));

    private static byte[] Header(List<TensorEntry> entries, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_plainText))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata) json.WriteString(key, value);
                json.WriteEndObject();
            }
            WriteEntries(json, entries);
            json.WriteEndObject();
        }
        while (buffer.Length % Alignment != 0) buffer.WriteByte((byte)' ');
        return buffer.ToArray();
    }

    private static void WriteEntries(Utf8JsonWriter json, List<TensorEntry> entries)
    {
        var offset = 0L;
        foreach (var entry in entries)
        {
            json.WriteStartObject(entry.Name);
            json.WriteString("dtype", entry.Type.Name());
            json.WriteStartArray("shape");
            foreach (var side in entry.Shape) json.WriteNumberValue(side);
            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(offset);
            json.WriteNumberValue(offset += entry.Bytes);
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    private static unsafe void WriteTensor(Stream stream, TensorEntry entry, Func<TensorEntry, Tensor> read)
    {
        using var scope = NewDisposeScope();
        using var value = read(entry);
        var found = new TensorEntry(entry.Name, StoredTypes.Of(value), value.shape);
        if (found.Type != entry.Type || found.ShapeText != entry.ShapeText)
            throw new DiffSynthException($"'{entry.Name}' should be {entry.ShapeText} of {entry.Type.Name()}, found {found.ShapeText} of {found.Type.Name()}.");
        using var plain = value.detach().cpu().contiguous();
        var data = TensorAddress.Of(plain);
        for (var done = 0L; done < entry.Bytes; done += Step) stream.Write(new ReadOnlySpan<byte>(data + done, (int)Math.Min(Step, entry.Bytes - done)));
    }
}
