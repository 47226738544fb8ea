using System.Text;
using DiffSynthSharp.Weights.Gguf;
using DiffSynthSharp.Weights.Pickles;
using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>One checkpoint file, open for reading: its tensors are listed and validated, none has been read yet.</summary>
internal sealed class WeightFile : ITensorSource, IDisposable
{
    private readonly ByteRegion _bytes;
    private readonly WeightLayout _layout;
    private bool _disposed;

    private WeightFile(string path, ByteRegion bytes)
    {
        (Path, _bytes) = (path, bytes);
        try
        {
            _layout = ReadLayout(bytes, path);
        }
        catch
        {
            bytes.LetGo();
            throw;
        }
    }

    /// <summary>The file's path, or the name it was given.</summary>
    public string Path { get; }

    /// <summary>Tensors by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries => _layout.Entries;

    /// <summary>The file's own notes (safetensors' <c>__metadata__</c>, GGUF's key-value pairs as text); empty when it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _layout.Metadata;

    /// <summary>Opens a file. Its content decides how it is read, its extension doesn't matter.</summary>
    /// <param name="path">A safetensors or GGUF file, or a PyTorch checkpoint.</param>
    /// <exception cref="DiffSynthException">The file is missing, damaged, hostile, or no checkpoint; the message says which.</exception>
    public static WeightFile Open(string path) => new(path, ByteRegion.Map(path));

    /// <summary>Opens a checkpoint that is in memory.</summary>
    /// <param name="content">The file's bytes; they are copied.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="DiffSynthException">As for <see cref="Open(string)"/>.</exception>
    public static WeightFile Open(ReadOnlySpan<byte> content, string name)
    {
        if (content.IsEmpty) throw new DiffSynthException($"'{name}' is an empty file. Download or copy it again.");
        return new WeightFile(name, ByteRegion.Copy(content));
    }

    /// <summary>Reads one tensor: contiguous, on the CPU, elements as stored, or float32 when they are stored in blocks.</summary>
    /// <remarks>Where alignment and layout allow, the tensor lies over the mapped file and nothing is copied. It stays valid after this file is disposed.
    /// Writing to it never changes the file.</remarks>
    /// <param name="name">A name from <see cref="Entries"/>.</param>
    /// <exception cref="DiffSynthException">There is no such tensor, or its checksum is wrong.</exception>
    public Tensor Read(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!Entries.TryGetValue(name, out var entry)) throw new DiffSynthException($"'{Path}' has no tensor '{name}'.");
        entry.Block?.Check(_bytes, Path);
        if (entry.Blocks is null) return TensorMemory.Read(_bytes, entry);
        using var stored = Store(name);
        return stored.Widened().reshape(entry.Shape);
    }

    /// <inheritdoc/>
    public StoredRows Store(string name, float[]? scale = null)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!Entries.TryGetValue(name, out var entry)) throw new DiffSynthException($"'{Path}' has no tensor '{name}'.");
        entry.Block?.Check(_bytes, Path);
        if (scale is { Length: > 1 } && scale.Length != StoredRows.RowsOf(entry))
            throw new DiffSynthException($"'{Path}': '{OneLine.Of(name)}' has {StoredRows.RowsOf(entry)} rows, but {scale.Length} scales belong to it.");
        if (entry.Blocks is not null) return new BlockRows(_bytes, entry);
        return entry.Type is StoredType.F8E4M3 or StoredType.F8E5M2 && entry.Strides is null ? new Float8Rows(_bytes, entry, scale) : new PlainRows(_bytes, entry, scale);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _bytes.LetGo();
    }

    private static WeightLayout ReadLayout(ByteRegion bytes, string path)
    {
        var start = bytes.Slice(0, (int)Math.Min(bytes.Length, 512));
        RefuseLookAlikes(start, path);
        if (GgufReader.Matches(start)) return GgufReader.Read(bytes, path);
        if (ZipDirectory.Matches(start)) return ZipCheckpoint.Read(bytes, path);
        if (LegacyCheckpoint.Matches(start) && !SafetensorsHeader.Matches(start)) return LegacyCheckpoint.Read(bytes, path);
        return SafetensorsHeader.Read(bytes, path);
    }

    private static void RefuseLookAlikes(ReadOnlySpan<byte> start, string path)
    {
        var text = Encoding.Latin1.GetString(start).TrimStart('\u00ef', '\u00bb', '\u00bf', ' ', '\r', '\n', '\t');
        if (text.StartsWith("<!doctype", StringComparison.OrdinalIgnoreCase) || text.StartsWith("<html", StringComparison.OrdinalIgnoreCase))
            throw new DiffSynthException($"'{path}' is a web page instead of a checkpoint. Download it again; the site may ask you to log in first.");
        if (text.StartsWith("version https://git-lfs", StringComparison.Ordinal))
            throw new DiffSynthException($"'{path}' is a git-lfs pointer instead of the file itself. Fetch the real file with 'git lfs pull', or download it.");
    }
}
