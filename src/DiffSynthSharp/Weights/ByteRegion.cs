using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace DiffSynthSharp.Weights;

/// <summary>
/// The bytes of a file, mapped into memory (or a copy of bytes that were in memory already), shared by everything that looks at them: freed when
/// the last holder lets go.
/// </summary>
/// <remarks>The mapping is copy-on-write, so that an in-place operation on a tensor over it changes the tensor and never the file.</remarks>
internal sealed unsafe class ByteRegion
{
    private const int AdviseWillNeed = 3;
    private const int AdviseDontNeed = 4;

    private readonly MemoryMappedViewAccessor? _view;
    private readonly byte* _start;
    private int _holders = 1;

    private ByteRegion(MemoryMappedViewAccessor view, long length)
    {
        (_view, Length) = (view, length);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += view.PointerOffset;
    }

    private ByteRegion(ReadOnlySpan<byte> content)
    {
        Length = content.Length;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(content.Length, 1), 64);
        content.CopyTo(new Span<byte>(_start, content.Length));
    }

    /// <summary>Number of bytes.</summary>
    public long Length { get; }

    /// <summary>Copies bytes out of managed memory.</summary>
    public static ByteRegion Copy(ReadOnlySpan<byte> content) => new(content);

    /// <summary>Maps a file.</summary>
    /// <param name="path">The file; it must not be shortened while it is in use.</param>
    /// <exception cref="DiffSynthException">It is missing, empty, a folder, or may not be read.</exception>
    public static ByteRegion Map(string path)
    {
        if (Directory.Exists(path)) throw new DiffSynthException($"'{path}' is a folder, not a checkpoint file.");
        try
        {
            if (new FileInfo(path).Length == 0) // also of a pipe or device, which must not be opened
                throw new DiffSynthException($"'{path}' is an empty file. Download or copy it again.");
            // The mapping outlives the open file, so that a thousand shards don't exhaust descriptors.
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            var length = stream.Length;
            using var file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            return new ByteRegion(View(file, length), length);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DiffSynthException($"There is no file '{path}'.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new DiffSynthException($"'{path}' cannot be read: {e.Message}", e);
        }
    }

    // Copy-on-write counts against the memory that the system is willing to promise; a file larger than that can still be mapped for reading.
    private static MemoryMappedViewAccessor View(MemoryMappedFile file, long length)
    {
        try
        {
            return file.CreateViewAccessor(0, length, MemoryMappedFileAccess.CopyOnWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        }
    }

    /// <summary>The address of a byte; valid while the region is held.</summary>
    public byte* Address(long offset) => _start + offset;

    /// <summary>A part of the region.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It leaves the region.</exception>
    public ReadOnlySpan<byte> Slice(long offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Length - offset);
        return new ReadOnlySpan<byte>(_start + offset, count);
    }

    /// <summary>Gives the memory behind whole pages of a range back to the system. They are read from the file again when they are touched; changes made to
    /// them are lost.</summary>
    public void DropPages(long offset, long count)
    {
        if (_view is null || !OperatingSystem.IsLinux()) return;
        var page = (nuint)Environment.SystemPageSize;
        nuint from = ((nuint)(_start + offset) + page - 1) & ~(page - 1), to = (nuint)(_start + offset + count) & ~(page - 1);
        if (to > from) _ = madvise((void*)from, to - from, AdviseDontNeed);
    }

    /// <summary>Reads a range from the file into resident memory, as far as it isn't there; comes back when that is done.</summary>
    public void ReadPages(long offset, long count)
    {
        if (_view is null || count <= 0) return;
        var page = Environment.SystemPageSize;
        byte* from = _start + offset, to = from + count;
        var aligned = (byte*)((nuint)from & ~((nuint)page - 1));
        if (OperatingSystem.IsLinux()) _ = madvise(aligned, (nuint)(to - aligned), AdviseWillNeed);
        for (var at = from; at < to; at += page) _ = Volatile.Read(ref *at);
        _ = Volatile.Read(ref to[-1]);
    }

    /// <summary>Adds a holder.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>Takes a holder away; the last one frees the memory.</summary>
    public void LetGo()
    {
        if (Interlocked.Decrement(ref _holders) != 0) return;
        if (_view is null)
        {
            NativeMemory.AlignedFree(_start);
            return;
        }
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
    }

    [DllImport("libc")]
    private static extern int madvise(void* address, nuint length, int advice);
}
