using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace DiffSynthSharp.Tests.Weights;

/// <summary>Writes pickles opcode by opcode, and the archives that hold them.</summary>
internal sealed class PickleBytes
{
    private readonly List<byte> _bytes = [0x80, 2];

    public PickleBytes Op(params ReadOnlySpan<byte> opcodes)
    {
        _bytes.AddRange(opcodes);
        return this;
    }

    public PickleBytes Text(string text)
    {
        var utf8 = Encoding.UTF8.GetBytes(text);
        return Op((byte)'X').Op(BitConverter.GetBytes(utf8.Length)).Op(utf8);
    }

    public PickleBytes Number(long number) => Op(0x8a, 8).Op(BitConverter.GetBytes(number));

    public PickleBytes Global(string module, string name) => Op((byte)'c').Op(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));

    public PickleBytes Numbers(params ReadOnlySpan<long> numbers)
    {
        Op((byte)'(');
        foreach (var number in numbers) Number(number);
        return Op((byte)'t');
    }

    /// <summary>A tensor over a storage; <paramref name="type"/> is the element type of those that name it themselves.</summary>
    public PickleBytes Tensor(
        string key, string storage, long elements, ReadOnlySpan<long> size, ReadOnlySpan<long> stride, long offset = 0, string? type = null)
    {
        Global("torch._utils", type is null ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3").Op("(("u8);
        Text("storage").Global(storage == "UntypedStorage" ? "torch.storage" : "torch", storage);
        Text(key).Text("cpu").Number(elements).Op("tQ"u8).Number(offset).Numbers(size).Numbers(stride).Op(0x89).Global("collections", "OrderedDict").Op(")R"u8);
        if (type is not null) Global("torch", type);
        return Op("tR"u8);
    }

    /// <summary>A vector over storage 0, which has four floats.</summary>
    public PickleBytes Floats(long count = 4) => Tensor("0", "FloatStorage", 4, [count], [1]);

    public byte[] End() => [.. Op((byte)'.')._bytes];

    /// <summary>A PyTorch archive of one pickle and its storages.</summary>
    public byte[] Archive(params ReadOnlySpan<(string Key, byte[] Data)> storages)
    {
        var entries = new List<(string, byte[])> { ("archive/data.pkl", End()) };
        foreach (var (key, data) in storages) entries.Add(($"archive/data/{key}", data));
        return Zip(entries);
    }

    /// <summary>An archive of uncompressed entries.</summary>
    /// <param name="entries">Names and contents.</param>
    /// <param name="wide">Writes sizes and offsets in zip64's fields, as files beyond 4 GiB have them.</param>
    public static byte[] Zip(IReadOnlyList<(string Name, byte[] Data)> entries, bool wide = false)
    {
        List<byte> archive = [], directory = [];
        foreach (var (name, data) in entries)
        {
            var at = archive.Count;
            var text = Encoding.UTF8.GetBytes(name);
            byte[] sum = Crc32.Hash(data), size = Bytes32(wide ? uint.MaxValue : (uint)data.Length);
            archive.AddRange([.. "PK\u0003\u0004"u8, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. sum, .. size, .. size, (byte)text.Length, 0, 0, 0, .. text, .. data]);
            byte[] extra = wide ? [1, 0, 24, 0, .. Bytes64(data.Length), .. Bytes64(data.Length), .. Bytes64(at)] : [];
            directory.AddRange([.. "PK\u0001\u0002"u8, 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. sum, .. size, .. size, (byte)text.Length,
                0, (byte)extra.Length, 0]);
            directory.AddRange([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. Bytes32(wide ? uint.MaxValue : (uint)at), .. text, .. extra]);
        }
        int start = archive.Count, end = start + directory.Count;
        archive.AddRange(directory);
        if (wide)
        {
            byte[] count = Bytes64(entries.Count);
            archive.AddRange([.. "PK\u0006\u0006"u8, .. Bytes64(44), 45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0, .. count, .. count, .. Bytes64(directory.Count),
                .. Bytes64(start)]);
            archive.AddRange([.. "PK\u0006\u0007"u8, 0, 0, 0, 0, .. Bytes64(end), 1, 0, 0, 0]);
        }
        byte[] all = wide ? [255, 255] : [(byte)entries.Count, 0];
        archive.AddRange([.. "PK\u0005\u0006"u8, 0, 0, 0, 0, .. all, .. all, .. Bytes32(wide ? uint.MaxValue : (uint)directory.Count),
            .. Bytes32(wide ? uint.MaxValue : (uint)start), 0, 0]);
        return [.. archive];
    }

    private static byte[] Bytes32(uint number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, number);
        return bytes;
    }

    private static byte[] Bytes64(long number)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        return bytes;
    }
}
