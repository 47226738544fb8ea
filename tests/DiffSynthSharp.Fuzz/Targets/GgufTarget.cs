namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>GGUF files.</summary>
internal sealed class GgufTarget : FuzzTarget
{
    /// <summary>What comes before the first key: the mark, the version, two counts.</summary>
    private const int Start = 24;

    public override string Name => "gguf";

    public override IReadOnlyList<string> Fixtures => ["goldens/gguf", "goldens/gguf/broken"];

    public override IReadOnlyList<string> Words => ["GGUF", "general.alignment", "general.architecture", "comfy.gguf.orig_shape.", "\u0004\0\0\0", "\u0008\0\0\0", "\u0009\0\0\0"];

    public override void Read(byte[] input) => CheckpointReading.ReadAll(input);

    public override byte[]? SeedOf(byte[] fixture) => fixture.AsSpan().StartsWith("GGUF"u8) ? fixture : null;

    /// <summary>Damages counts, keys and descriptions of tensors, which come before the data.</summary>
    public override byte[]? DamageInside(byte[] input, Mutator mutator)
    {
        if (input.Length <= Start) return null;
        var copy = (byte[])input.Clone();
        var end = mutator.Random.Next(3) == 0 ? Start : Math.Min(copy.Length, Start + copy.Length / 4);
        for (var times = mutator.Random.Next(1, 6); times > 0; times--) mutator.Overwrite(copy, 4, end);
        return copy;
    }
}
