using System.IO.Hashing;

namespace DiffSynthSharp.Weights;

/// <summary>A run of bytes in a file with the checksum it should have; checked when it is first read.</summary>
/// <param name="name">What the block is called in the file, for the error.</param>
/// <param name="offset">Where it begins.</param>
/// <param name="length">Its bytes.</param>
/// <param name="crc">CRC-32 as in zip archives.</param>
internal sealed class ChecksummedBlock(string name, long offset, long length, uint crc)
{
    private const int Step = 16 << 20;
    private bool _checked;

    /// <summary>Where the block begins.</summary>
    public long Offset => offset;

    /// <summary>Its bytes.</summary>
    public long Length => length;

    /// <summary>Compares the checksum once.</summary>
    /// <exception cref="DiffSynthException">The file is damaged.</exception>
    public void Check(ByteRegion region, string path)
    {
        if (_checked) return;
        var sum = new Crc32();
        for (var done = 0L; done < length; done += Step) sum.Append(region.Slice(offset + done, (int)Math.Min(Step, length - done)));
        if (sum.GetCurrentHashAsUInt32() != crc)
            throw new DiffSynthException($"'{path}' is damaged: the checksum of '{OneLine.Of(name)}' is wrong. Download or copy the file again.");
        _checked = true;
    }
}
