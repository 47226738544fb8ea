using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Records;

/// <summary>SHA-256 of files. Large ones are remembered in the user's cache folder until their length or time changes.</summary>
internal static class FileHashes
{
    private const long LeastRemembered = 16 << 20;
    private const int MostRemembered = 1000;
    private const int LongestHeader = 100_000_000;

    private static readonly Lock s_gate = new();

    private static string Notes => Path.Combine(TokenizerFiles.CacheFolder, "hashes.tsv");

    /// <summary>The whole file's, 64 lower-case hexadecimal digits.</summary>
    /// <exception cref="DiffSynthException">The file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The thread's job was cancelled.</exception>
    public static string Of(string path) => Remembered(path, "file", Hash);

    /// <summary>A safetensors file's without its header, which tools rewrite; another file's whole.</summary>
    /// <remarks>kohya-ss/sd-webui-additional-networks (<c>addnet_hash_safetensors</c>), by which A1111 knows LoRA files.</remarks>
    /// <exception cref="DiffSynthException">The file cannot be read.</exception>
    public static string OfTensors(string path)
        => Path.GetExtension(path).Equals(".safetensors", StringComparison.OrdinalIgnoreCase) ? Remembered(path, "tensors", OfTensors) : Of(path);

    private static byte[] OfTensors(Stream stream)
    {
        Span<byte> length = stackalloc byte[8];
        if (stream.ReadAtLeast(length, length.Length, throwOnEndOfStream: false) == length.Length
            && BinaryPrimitives.ReadUInt64LittleEndian(length) is var header and < LongestHeader && (long)header + length.Length <= stream.Length)
            stream.Position = (long)header + length.Length;
        else stream.Position = 0;
        return Hash(stream);
    }

    // A model's file takes as long to read as to load.
    private static byte[] Hash(Stream stream)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        while (stream.Read(buffer) is > 0 and var count)
        {
            BlockBorder.Cross();
            hash.AppendData(buffer, 0, count);
        }
        return hash.GetHashAndReset();
    }

    private static string Remembered(string path, string kind, Func<Stream, byte[]> hash)
    {
        try
        {
            // A pipe or device has no length and may have no end.
            if (new FileInfo(path).Length == 0) return Convert.ToHexStringLower(SHA256.HashData([]));
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
            var key = string.Create(CultureInfo.InvariantCulture, $"{kind}\t{stream.Length}\t{File.GetLastWriteTimeUtc(path).Ticks}\t{Path.GetFullPath(path)}");
            if (stream.Length < LeastRemembered) return Convert.ToHexStringLower(hash(stream));
            lock (s_gate)
            {
                var notes = Read();
                if (notes.FirstOrDefault(line => line.EndsWith($"\t{key}", StringComparison.Ordinal)) is { Length: > 64 } known) return known[..64];
                var found = Convert.ToHexStringLower(hash(stream));
                Write([.. notes.TakeLast(MostRemembered - 1), $"{found}\t{key}"]);
                return found;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DiffSynthException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    private static string[] Read()
    {
        try
        {
            return File.Exists(Notes) ? [.. File.ReadLines(Notes).Take(MostRemembered)] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // A cache that cannot be written costs time only.
    private static void Write(IEnumerable<string> lines)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Notes)!);
            AtomicFile.Write(Notes, stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true);
                foreach (var line in lines) writer.Write($"{line}\n");
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DiffSynthException)
        {
            return;
        }
    }
}
