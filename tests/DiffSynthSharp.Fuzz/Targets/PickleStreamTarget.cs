using System.IO.Compression;
using DiffSynthSharp.Tests.Weights;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>The pickle inside an archive: the input is <c>data.pkl</c>, the archive around it is always sound.</summary>
internal sealed class PickleStreamTarget : FuzzTarget
{
    private const int StorageBytes = 64;

    private static readonly byte[] s_storage = [.. Enumerable.Repeat((byte)0x3c, StorageBytes)];

    public override string Name => "pickle-stream";

    public override IReadOnlyList<string> Fixtures => ["goldens/checkpoint-files", "goldens/checkpoint-files/bad"];

    public override IReadOnlyList<string> Words =>
    [
        "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._utils\n_rebuild_tensor_v3\n", "ctorch._utils\n_rebuild_parameter\n", "ctorch\nFloatStorage\n", "ctorch\nHalfStorage\n",
        "ctorch\nBFloat16Storage\n", "ctorch.storage\nUntypedStorage\n", "ccollections\nOrderedDict\n", "X\u0007\0\0\0storage", "X\u0001\0\0\00", "X\u0003\0\0\0cpu", "tQ", "tR", ")R", "K\u0004", "(K\u0004t",
    ];

    public override void Read(byte[] input)
        => CheckpointReading.ReadAll(PickleBytes.Zip([("archive/data.pkl", input), ("archive/data/0", s_storage), ("archive/data/1", s_storage)]));

    public override byte[]? SeedOf(byte[] fixture)
    {
        try
        {
            using var archive = new ZipArchive(new MemoryStream(fixture));
            if (archive.Entries.FirstOrDefault(entry => entry.Name == "data.pkl") is not { } found || found.Length > LongestInput) return null;
            using var pickle = new MemoryStream();
            using var stream = found.Open();
            stream.CopyTo(pickle);
            return pickle.ToArray();
        }
        catch (Exception e) when (e is InvalidDataException or IOException or NotSupportedException)
        {
            return null;
        }
    }
}
