using System.IO.Compression;
using DiffSynthSharp.Tests.Weights;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>The pickle inside an archive: the input is <c>data.pkl</c>, the archive around it is always sound.</summary>
internal sealed class PickleStreamTarget : FuzzTarget
{
    // A storage must have the length that the pickle says; these are the fixtures'.
    private static readonly int[] s_lengths = [96, 40, 42, 32, 24, 8, 4, 2, 3, 3, 4, 0, 24, 16, 8, 4, 4, 8, 4, 24, 24];

    private static readonly (string Name, byte[] Data)[] s_storages =
        [.. s_lengths.Select((length, key) => ($"archive/data/{key}", Enumerable.Repeat((byte)0x3c, length).ToArray()))];

    public override string Name => "pickle-stream";

    // A byte may ask for an object, its place on the stack, and the name of what might be a tensor in it.
    public override long FixedBytes => 4 << 20;

    public override long BytesPerByte => 512;

    public override int LongestInput => 1 << 14;

    public override IReadOnlyList<string> Fixtures => ["goldens/checkpoint-files", "goldens/checkpoint-files/bad"];

    public override IReadOnlyList<string> Words =>
    [
        "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._utils\n_rebuild_tensor_v3\n", "ctorch._utils\n_rebuild_parameter\n", "ctorch\nFloatStorage\n", "ctorch\nHalfStorage\n",
        "ctorch\nBFloat16Storage\n", "ctorch.storage\nUntypedStorage\n", "ccollections\nOrderedDict\n", "X\u0007\0\0\0storage", "X\u0001\0\0\00", "X\u0003\0\0\0cpu", "tQ", "tR", ")R", "K\u0004", "(K\u0004t",
    ];

    public override void Read(byte[] input)
        => CheckpointReading.ReadAll(PickleBytes.Zip([("archive/data.pkl", input), .. s_storages]));

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
