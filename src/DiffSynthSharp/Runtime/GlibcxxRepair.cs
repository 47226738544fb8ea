using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace DiffSynthSharp.Runtime;

/// <summary>
/// Lets TorchSharp's native library load where libstdc++ is older than GCC 13 (Debian 12, Ubuntu 22.04).
/// </summary>
/// <remarks>
/// <c>libLibTorchSharp.so</c> 0.107 asks for symbol version GLIBCXX_3.4.32 because of one symbol, <c>_ZSt21ios_base_library_initv</c>,
/// which no relocation uses. Rewriting that one entry of <c>.gnu.version_r</c> to GLIBCXX_3.4.30 (hash and name offset of the entry
/// that is there already) is enough. Layout: System V ABI, Elf64_Shdr, Elf64_Verneed, Elf64_Vernaux.
/// </remarks>
internal static class GlibcxxRepair
{
    private const uint VersionNeededSection = 0x6ffffffe;
    private const string Wanted = "GLIBCXX_3.4.32";
    private const string Available = "GLIBCXX_3.4.30";

    /// <summary>Loads a repaired copy of the library; the copy is deleted again once it is mapped.</summary>
    /// <param name="path">The library as shipped.</param>
    /// <returns>False when there was nothing to repair or the repaired copy doesn't load either.</returns>
    public static bool TryLoadRepaired(string path)
    {
        var image = File.ReadAllBytes(path);
        if (!Repair(image)) return false;
        var copy = Path.Combine(Path.GetTempPath(), $"LibTorchSharp-{Environment.ProcessId}-{Guid.NewGuid():N}.so");
        try
        {
            File.WriteAllBytes(copy, image);
            return NativeLibrary.TryLoad(copy, out _);
        }
        finally
        {
            File.Delete(copy);
        }
    }

    /// <summary>Rewrites the version entry in place.</summary>
    /// <param name="image">A 64-bit little-endian ELF file.</param>
    /// <returns>True when both entries were found and the image was changed.</returns>
    internal static bool Repair(Span<byte> image)
    {
        if (image.Length < 64 || !image[..4].SequenceEqual("\u007fELF"u8)) return false;
        var headers = (int)BinaryPrimitives.ReadUInt64LittleEndian(image[0x28..]);
        int headerSize = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3A..]), count = BinaryPrimitives.ReadUInt16LittleEndian(image[0x3C..]);
        for (var i = 0; i < count; i++)
        {
            var header = image[(headers + i * headerSize)..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) != VersionNeededSection) continue;
            var link = (int)BinaryPrimitives.ReadUInt32LittleEndian(header[0x28..]);
            var names = (int)BinaryPrimitives.ReadUInt64LittleEndian(image[(headers + link * headerSize + 0x18)..]);
            return Rewrite(image, (int)BinaryPrimitives.ReadUInt64LittleEndian(header[0x18..]), names);
        }
        return false;
    }

    private static bool Rewrite(Span<byte> image, int need, int names)
    {
        int wanted = -1, available = -1;
        for (var next = -1; next != 0; need += next)
        {
            int entries = BinaryPrimitives.ReadUInt16LittleEndian(image[(need + 2)..]);
            var entry = need + BinaryPrimitives.ReadInt32LittleEndian(image[(need + 8)..]);
            next = BinaryPrimitives.ReadInt32LittleEndian(image[(need + 12)..]);
            for (var i = 0; i < entries; i++)
            {
                var name = Name(image, names + BinaryPrimitives.ReadInt32LittleEndian(image[(entry + 8)..]));
                if (name == Wanted) wanted = entry;
                if (name == Available) available = entry;
                entry += BinaryPrimitives.ReadInt32LittleEndian(image[(entry + 12)..]);
            }
        }
        if (wanted < 0 || available < 0) return false;
        image.Slice(available, 4).CopyTo(image[wanted..]);
        image.Slice(available + 8, 4).CopyTo(image[(wanted + 8)..]);
        return true;
    }

    private static string Name(ReadOnlySpan<byte> image, int offset)
    {
        var rest = image[offset..];
        return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)0)]);
    }
}
