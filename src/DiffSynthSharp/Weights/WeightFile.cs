using System.Text;
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

    /// <summary>The file's own notes (safetensors' <c>__metadata__</c>); empty when it has none.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _layout.Metadata;

    /// <summary>Opens a file. Its content decides how it is read, its extension doesn't matter.</summary>
    /// <param name="path">A safetensors file or a PyTorch checkpoint.</param>
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

    /// <summary>Reads one tensor: contiguous, on the CPU, elements as stored.</summary>
    /// <remarks>Where alignment and layout allow, the tensor lies over the mapped file and nothing is copied. It stays valid after this file is disposed.
    /// Writing to it never changes the file.</remarks>
    /// <param name="name">A name from <see cref="Entries"/>.</param>
    /// <exception cref="DiffSynthException">There is no such tensor, or its checksum is wrong.</exception>
    public Tensor Read(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!Entries.TryGetValue(name, out var entry)) throw new DiffSynthException($"'{Path}' has no tensor '{name}'.");
        entry.Block?.Check(_bytes, Path);
        return TensorMemory.Read(_bytes, entry);
    }

    /// <summary>Takes a tensor's bytes out of resident memory, when they were copied elsewhere. They come back from the file when they are touched.</summary>
    /// <param name="name">A name from <see cref="Entries"/>; no tensor over its bytes may have been written to.</param>
    public void DropPages(string name)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Entries.TryGetValue(name, out var entry) && entry.Strides is null) _bytes.DropPages(entry.Offset, entry.Bytes);
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
        if (text.StartsWith("GGUF", StringComparison.Ordinal))
            throw new DiffSynthException($"'{path}' is a GGUF file, which this version cannot read. Use the model's safetensors file.");
    }
}
