using System.Buffers.Binary;
using System.IO.Hashing;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>PyTorch checkpoints: archives and legacy files.</summary>
internal sealed class PickleTarget : FuzzTarget
{
    private const int SizeInDirectory = 24, ChecksumInDirectory = 16;

    public override string Name => "pickle";

    public override IReadOnlyList<string> Fixtures => ["goldens/checkpoint-files", "goldens/checkpoint-files/bad"];

    public override IReadOnlyList<string> Words => ["PK\u0003\u0004", "PK\u0001\u0002", "PK\u0005\u0006", "PK\u0006\u0006", "PK\u0006\u0007", "archive/data/0", "byteorder", "data.pkl", ".format_version"];

    public override void Read(byte[] input) => CheckpointReading.ReadAll(input);

    public override byte[]? SeedOf(byte[] fixture) => fixture.Length <= 8 || fixture[8] != '{' ? fixture : null;

    /// <summary>Damages the first file of an archive, whose checksum is made right again, or the whole of a legacy file.</summary>
    public override byte[]? DamageInside(byte[] input, Mutator mutator)
    {
        if (input.Length == 0) return null;
        var copy = (byte[])input.Clone();
        if (copy[0] != 'P')
        {
            for (var times = mutator.Random.Next(1, 6); times > 0; times--) mutator.Overwrite(copy, 0, copy.Length);
            return copy;
        }
        var central = copy.AsSpan().IndexOf("PK\u0001\u0002"u8);
        if (copy.Length < 30 || central < 0 || central + SizeInDirectory + 4 > copy.Length) return null;
        int size = BinaryPrimitives.ReadInt32LittleEndian(copy.AsSpan(central + SizeInDirectory)),
            start = 30 + BinaryPrimitives.ReadUInt16LittleEndian(copy.AsSpan(26)) + BinaryPrimitives.ReadUInt16LittleEndian(copy.AsSpan(28));
        if (size < 1 || size > copy.Length - start) return null;
        for (var times = mutator.Random.Next(1, 6); times > 0; times--) mutator.Overwrite(copy, start, size);
        Crc32.Hash(copy.AsSpan(start, size), copy.AsSpan(central + ChecksumInDirectory));
        return copy;
    }
}
