using System.Buffers.Binary;
using System.IO.Hashing;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Weights;

/// <summary>
/// Damaged copies of real files, 150,000 in all, from a fixed seed: each is read or refused, with nothing but a <see cref="DiffSynthException"/> and with
/// memory in proportion to the file.
/// </summary>
public sealed class MutatedFilesTests
{
    private const int Copies = 15_000;
    private const long FixedBytes = 1 << 20;
    private const long BytesPerByte = 64;
    private const long RepeatedBytes = 8 << 20;

    private static readonly ulong[] s_interesting =
        [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, long.MaxValue, 1UL << 63, ulong.MaxValue];

    // Digits and brackets of JSON, opcodes of pickles.
    private static readonly byte[] s_tokens = [.. "0123456789-{}[]\",:.eRsu(tqh}])bc"u8, 0x81, 0x85, 0x86, 0x87, 0x8a, 0x93, 0x94];

    private static string Folder => Path.Combine(Repository.Root, "tests", "Fixtures", "goldens", "checkpoint-files");

    [Theory]
    [InlineData("all-dtypes.safetensors")]
    [InlineData("unordered-padded.safetensors")]
    [InlineData("legacy.pt")]
    [InlineData("textual-inversion-old.pt")]
    [InlineData("lightning.ckpt")]
    [InlineData("protocol3.pt")]
    [InlineData("protocol5.pt")]
    [InlineData("pytorch_model.bin")]
    [InlineData("../gguf/broken/sound.gguf")]
    [InlineData("../gguf/reshaped.gguf")]
    public void A_damaged_file_is_read_or_refused(string name)
    {
        var random = new Random(name.Length * 7919 + name[0]);
        var original = File.ReadAllBytes(Path.Combine(Folder, name));
        var donors = Directory.GetFiles(Folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToArray();
        var refused = 0;
        for (var i = 0; i < Copies; i++)
        {
            var copy = i % 2 == 0 ? Damage(original, random, donors) : DamageInside(original, random);
            if (!Survives(copy, $"{name}, copy {i}")) refused++;
        }
        Assert.InRange(refused, Copies / 10, Copies);
    }

    private static bool Survives(byte[] copy, string what)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var read = true;
        try
        {
            using var scope = NewDisposeScope();
            using var file = WeightFile.Open(copy, "damaged");
            foreach (var entry in file.Entries.Values)
            {
                Assert.InRange(entry.Bytes, 0, Math.Max(copy.Length, RepeatedBytes));
                file.Read(entry.Name);
            }
        }
        catch (DiffSynthException)
        {
            read = false;
        }
        catch (Exception e)
        {
            Assert.Fail($"{what}: {e}");
        }
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= FixedBytes + BytesPerByte * copy.Length, $"{what}: {allocated} bytes were allocated for a file of {copy.Length}.");
        return read;
    }

    private static byte[] Damage(byte[] original, Random random, byte[][] donors)
    {
        var copy = (byte[])original.Clone();
        for (var times = random.Next(1, 4); times > 0 && copy.Length > 0; times--)
            copy = random.Next(8) switch
            {
                0 => copy[..random.Next(copy.Length)],
                1 => Splice(copy, random, donors[random.Next(donors.Length)]),
                2 => Remove(copy, random),
                3 => [.. copy, .. copy.AsSpan(random.Next(copy.Length))],
                _ => Overwrite(copy, random, 0, copy.Length),
            };
        return copy;
    }

    private static byte[] Splice(byte[] copy, Random random, byte[] donor)
    {
        int at = random.Next(copy.Length), from = random.Next(donor.Length), count = random.Next(1, Math.Min(donor.Length - from, 64) + 1);
        return [.. copy.AsSpan(0, at), .. donor.AsSpan(from, count), .. copy.AsSpan(at)];
    }

    private static byte[] Remove(byte[] copy, Random random)
    {
        int at = random.Next(copy.Length), count = random.Next(1, Math.Min(copy.Length - at, 64) + 1);
        return [.. copy.AsSpan(0, at), .. copy.AsSpan(at + count)];
    }

    private static byte[] Overwrite(byte[] copy, Random random, int from, int count)
    {
        int at = from + random.Next(count), width = 1 << random.Next(4);
        switch (random.Next(4))
        {
            case 0: copy[at] ^= (byte)(1 << random.Next(8)); break;
            case 1: copy[at] = (byte)random.Next(256); break;
            case 2: copy[at] = s_tokens[random.Next(s_tokens.Length)]; break;
            default:
                Span<byte> value = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(value, s_interesting[random.Next(s_interesting.Length)]);
                value[..Math.Min(width, from + count - at)].CopyTo(copy.AsSpan(at));
                break;
        }
        return copy;
    }

    /// <summary>Damages the part that describes the tensors; in an archive its checksum is made right again, so that the damage is looked at.</summary>
    private static byte[] DamageInside(byte[] original, Random random)
    {
        var copy = (byte[])original.Clone();
        if (copy[0] != 'P')
        {
            var described = copy[8] == '{' ? (int)BinaryPrimitives.ReadInt64LittleEndian(copy) + 8 : copy.Length;
            for (var times = random.Next(1, 6); times > 0; times--) Overwrite(copy, random, 0, described);
            return copy;
        }
        int central = copy.AsSpan().IndexOf("PK\u0001\u0002"u8), size = BinaryPrimitives.ReadInt32LittleEndian(copy.AsSpan(central + 24));
        var start = 30 + BinaryPrimitives.ReadUInt16LittleEndian(copy.AsSpan(26)) + BinaryPrimitives.ReadUInt16LittleEndian(copy.AsSpan(28));
        for (var times = random.Next(1, 6); times > 0; times--) Overwrite(copy, random, start, size);
        Crc32.Hash(copy.AsSpan(start, size), copy.AsSpan(central + 16));
        return copy;
    }
}
