using System.Buffers.Binary;
using System.Text;

namespace DiffSynthSharp.Weights.Pickles;

/// <summary>The entries of a zip archive whose entries are stored uncompressed, with the place of their bytes, so that tensors can lie over them.</summary>
/// <remarks>PKWARE APPNOTE 6.3.10, sections 4.3 (structure) and 4.5.3 (zip64). PyTorch stores every entry uncompressed
/// (caffe2/serialize/inline_container.cc).</remarks>
internal sealed class ZipDirectory
{
    private const uint LocalSignature = 0x04034b50, CentralSignature = 0x02014b50, EndSignature = 0x06054b50, End64Signature = 0x06064b50,
        Locator64Signature = 0x07064b50;
    private const int LocalBytes = 30, CentralBytes = 46, EndBytes = 22, Locator64Bytes = 20, End64Bytes = 56;
    private const int MaxDirectoryBytes = 32 << 20;

    private readonly ByteRegion _bytes;
    private readonly string _path;
    private readonly Dictionary<string, ChecksummedBlock> _entries = [];

    private ZipDirectory(ByteRegion bytes, string path) => (_bytes, _path) = (bytes, path);

    /// <summary>True when the bytes begin as a zip archive does.</summary>
    public static bool Matches(ReadOnlySpan<byte> start) => start.StartsWith("PK\u0003\u0004"u8) || start.StartsWith("PK\u0005\u0006"u8);

    /// <summary>Reads and validates the central directory and every entry's own header.</summary>
    /// <exception cref="DiffSynthException">The archive is truncated, encrypted, compressed, or hostile.</exception>
    public static IReadOnlyDictionary<string, ChecksummedBlock> Read(ByteRegion bytes, string path)
    {
        var archive = new ZipDirectory(bytes, path);
        archive.ReadEntries();
        return archive._entries;
    }

    private DiffSynthException Malformed(string what) => new($"'{_path}' is no valid checkpoint: {OneLine.Of(what)}.");

    private DiffSynthException Truncated() => Malformed("it is a truncated archive; download or copy it again");

    private ReadOnlySpan<byte> At(long offset, int count) =>
        offset >= 0 && offset <= _bytes.Length - count ? _bytes.Slice(offset, count) : throw Truncated();

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static long I64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);

    private long FindEnd()
    {
        var tail = (int)Math.Min(_bytes.Length, EndBytes + ushort.MaxValue);
        var bytes = _bytes.Slice(_bytes.Length - tail, tail);
        for (var i = tail - EndBytes; i >= 0; i--)
            if (U32(bytes, i) == EndSignature && i + EndBytes + U16(bytes, i + 20) == tail) return _bytes.Length - tail + i;
        throw Truncated();
    }

    private (long Start, long Length, long Count) Locate()
    {
        var end = FindEnd();
        var record = At(end, EndBytes);
        if (end >= Locator64Bytes && At(end - Locator64Bytes, Locator64Bytes) is var locator && U32(locator, 0) == Locator64Signature)
        {
            var wide = At(I64(locator, 8), End64Bytes);
            if (U32(wide, 0) != End64Signature) throw Truncated();
            return (I64(wide, 48), I64(wide, 40), I64(wide, 32));
        }
        if (U16(record, 4) != 0) throw Malformed("it is one part of an archive split over several files");
        return (U32(record, 16), U32(record, 12), U16(record, 10));
    }

    private void ReadEntries()
    {
        var (start, length, count) = Locate();
        if (length < 0 || length > MaxDirectoryBytes || start < 0 || start > _bytes.Length - length) throw Truncated();
        if (count < 0 || count > length / CentralBytes) throw Malformed($"its directory cannot hold {count} entries");
        var directory = At(start, (int)length);
        for (var i = 0L; i < count; i++)
        {
            if (directory.Length < CentralBytes || U32(directory, 0) != CentralSignature) throw Truncated();
            int name = U16(directory, 28), extra = U16(directory, 30), size = CentralBytes + name + extra + U16(directory, 32);
            if (directory.Length < size) throw Truncated();
            Add(directory[..CentralBytes], Name(directory.Slice(CentralBytes, name)), directory.Slice(CentralBytes + name, extra), start);
            directory = directory[size..];
        }
    }

    private string Name(ReadOnlySpan<byte> bytes)
    {
        var name = Encoding.UTF8.GetString(bytes);
        if (name.StartsWith('/') || name.Contains('\\') || name.Contains(':') || name.Split('/').Contains(".."))
            throw Malformed($"an entry whose name leaves the archive, '{name}'");
        return name;
    }

    private void Add(ReadOnlySpan<byte> entry, string name, ReadOnlySpan<byte> extra, long directoryStart)
    {
        long stored = U32(entry, 20), size = U32(entry, 24), header = U32(entry, 42);
        Widen(extra, ref size, ref stored, ref header);
        if ((U16(entry, 8) & 1) != 0) throw Malformed($"it is an encrypted archive ('{name}')");
        if (U16(entry, 10) != 0)
            throw Malformed($"it has compressed entries ('{name}'), where PyTorch stores them uncompressed; save it again with torch.save");
        if (size != stored) throw Malformed($"the entry '{name}' has two different sizes, {size} and {stored}");
        var local = At(header, LocalBytes);
        if (U32(local, 0) != LocalSignature) throw Malformed($"the archive is damaged at the entry '{name}'");
        if ((U16(local, 6) & 1) != 0) throw Malformed($"it is an encrypted archive ('{name}')");
        var data = header + LocalBytes + U16(local, 26) + U16(local, 28);
        if (size < 0 || size > directoryStart - data) throw Malformed($"the entry '{name}' is larger than the archive ({size} bytes)");
        if (!_entries.TryAdd(name, new ChecksummedBlock(name, data, size, U32(entry, 16)))) throw Malformed($"two entries of one name, '{name}'");
    }

    // Fields that are all ones in the 32-bit record follow, in this order, in the zip64 extra field.
    private void Widen(ReadOnlySpan<byte> extra, ref long size, ref long stored, ref long header)
    {
        while (extra.Length >= 4)
        {
            int id = U16(extra, 0), length = U16(extra, 2);
            extra = extra[4..];
            if (length > extra.Length) throw Malformed("an extra field longer than its entry");
            if (id == 1)
            {
                var wide = extra[..length];
                Take(ref wide, ref size);
                Take(ref wide, ref stored);
                Take(ref wide, ref header);
            }
            extra = extra[length..];
        }
    }

    private static void Take(ref ReadOnlySpan<byte> wide, ref long field)
    {
        if (field != uint.MaxValue || wide.Length < 8) return;
        field = I64(wide, 0);
        wide = wide[8..];
    }
}
