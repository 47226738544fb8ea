using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;

namespace DiffSynthSharp.Weights.Pickles;

/// <summary>PyTorch's format before 1.6: five pickles (magic number, version, system, the object, the storages' keys), then each storage's size and
/// bytes.</summary>
/// <remarks>torch/serialization.py, <c>_legacy_save</c> and <c>_legacy_load</c>.</remarks>
internal static class LegacyCheckpoint
{
    private const int MaxPickleBytes = 32 << 20;
    private const long Version = 1001;
    private static readonly BigInteger s_magic = BigInteger.Parse("1950a86a20f9469cfc6c", NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>True when the bytes begin as a pickle of protocol 2 or later does.</summary>
    public static bool Matches(ReadOnlySpan<byte> start) => start.Length > 1 && start[0] == 0x80 && start[1] < 16;

    /// <summary>Reads what the file holds.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="path">Its name, for errors.</param>
    /// <exception cref="DiffSynthException">A pickle is malformed or hostile, or the file is truncated.</exception>
    public static WeightLayout Read(ByteRegion bytes, string path)
    {
        var input = new PickleInput(bytes, 0, Math.Min(bytes.Length, MaxPickleBytes), path);
        var machine = new PickleMachine(input);
        if (machine.Run() is not BigInteger magic || magic != s_magic)
            throw new DiffSynthException($"'{path}' is a pickle that is no checkpoint: a wrong magic number where PyTorch's should be.");
        if (machine.Run() is var version and not Version) throw input.Malformed($"an unknown format version {version}; known is {Version}");
        if ((machine.Run() as PickleDict)?.Find("little_endian") is false) throw input.Malformed("big-endian data; save it again on a little-endian machine");
        var root = machine.Run();
        var keys = machine.Run() as PickleList ?? throw input.Malformed("no list of storages");
        var offsets = Storages(bytes, input, machine.Storages, keys);
        return new WeightLayout(CheckpointTensors.Collect(root, path, Locate), new Dictionary<string, string>());

        (long Offset, ChecksummedBlock? Block) Locate(PickleStorage storage) =>
            offsets.TryGetValue(storage.Key, out var offset) ? (offset, null) : throw input.Malformed($"a missing storage, '{storage.Key}'");
    }

    private static Dictionary<string, long> Storages(ByteRegion bytes, PickleInput input, IReadOnlyDictionary<string, PickleStorage> declared, PickleList keys)
    {
        var offsets = new Dictionary<string, long>();
        var at = input.Position;
        foreach (var item in keys.Items)
        {
            if (item is not string key || !declared.TryGetValue(key, out var storage)) throw input.Malformed($"a storage that no tensor uses, '{item}'");
            if (bytes.Length - at < sizeof(long)) throw input.Malformed($"storage '{key}' is missing, the file is truncated");
            var elements = BinaryPrimitives.ReadInt64LittleEndian(bytes.Slice(at, sizeof(long)));
            at += sizeof(long);
            if (elements != storage.Elements)
                throw input.Malformed($"storage '{key}' has {elements} elements, unlike the {storage.Elements} declared; longer than the file or damaged");
            if (storage.Bytes > bytes.Length - at) throw input.Malformed($"storage '{key}' is longer than the file, which is truncated");
            if (!offsets.TryAdd(key, at)) throw input.Malformed($"storage '{key}' comes twice");
            at += storage.Bytes;
        }
        foreach (var key in declared.Keys)
            if (!offsets.ContainsKey(key)) throw input.Malformed($"a missing storage, '{key}'");
        return offsets;
    }
}
