using System.IO.MemoryMappedFiles;

namespace DiffSynthSharp.Fuzz;

/// <summary>The input that is being read, in a mapped file, so that it survives the process when it overflows the stack or crashes in native code.</summary>
public sealed class CurrentInput : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly long _capacity;

    /// <param name="path">Is made, or used again.</param>
    /// <param name="capacity">Longest input.</param>
    public CurrentInput(string path, int capacity)
    {
        // An earlier program may have had room for longer ones.
        _capacity = Math.Max(capacity, File.Exists(path) ? new FileInfo(path).Length - sizeof(int) : 0);
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, sizeof(int) + _capacity);
        _view = _file.CreateViewAccessor();
        var length = _view.ReadInt32(0);
        if (length is <= 0 || length > _capacity) return;
        Left = new byte[length];
        _view.ReadArray(sizeof(int), Left, 0, length);
    }

    /// <summary>What an earlier process was reading when it died; null when it ended as it should.</summary>
    public byte[]? Left { get; }

    /// <summary>Notes an input.</summary>
    public void Set(byte[] input)
    {
        _view.WriteArray(sizeof(int), input, 0, (int)Math.Min(input.Length, _capacity));
        _view.Write(0, (int)Math.Min(input.Length, _capacity));
    }

    /// <summary>Notes that none is being read.</summary>
    public void Clear() => _view.Write(0, 0);

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
