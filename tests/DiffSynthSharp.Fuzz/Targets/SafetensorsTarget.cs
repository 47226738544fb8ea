using System.Buffers.Binary;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>Safetensors files.</summary>
internal sealed class SafetensorsTarget : FuzzTarget
{
    private const int LengthBytes = 8;

    public override string Name => "safetensors";

    public override IReadOnlyList<string> Fixtures => ["goldens/checkpoint-files", "goldens/checkpoint-files/bad"];

    public override IReadOnlyList<string> Words => ["__metadata__", "\"dtype\":\"F8_E4M3\",", "\"shape\":[", "\"data_offsets\":[0,", "BF16", "\\ud800", "18446744073709551615", "9223372036854775807"];

    public override void Read(byte[] input) => CheckpointReading.ReadAll(input);

    public override byte[]? SeedOf(byte[] fixture) => fixture.Length > LengthBytes && fixture[LengthBytes] == '{' ? fixture : null;

    /// <summary>Damages the description of the tensors; the length in front of it is made right again.</summary>
    public override byte[]? DamageInside(byte[] input, Mutator mutator)
    {
        if (input.Length <= LengthBytes || BinaryPrimitives.ReadUInt64LittleEndian(input) is var length && (length == 0 || length > (ulong)(input.Length - LengthBytes))) return null;
        var header = (int)length + LengthBytes;
        if (mutator.Random.Next(2) == 0)
        {
            var copy = (byte[])input.Clone();
            for (var times = mutator.Random.Next(1, 6); times > 0; times--) mutator.Overwrite(copy, 0, header);
            return copy;
        }
        var json = mutator.Damage(input[LengthBytes..header], [input]);
        byte[] framed = [.. new byte[LengthBytes], .. json, .. input.AsSpan(header)];
        BinaryPrimitives.WriteInt64LittleEndian(framed, json.Length);
        return framed;
    }
}
