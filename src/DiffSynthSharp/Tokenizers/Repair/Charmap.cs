using System.Collections.Immutable;

namespace DiffSynthSharp.Tokenizers.Repair;

/// <summary>An encoding of one byte a character, as software decodes with it: unassigned bytes stand for themselves.</summary>
/// <remarks>Unicode's mapping tables. Byte 1A stands for a character that was lost (ftfy's "sloppy" codecs, ftfy/bad_codecs/sloppy.py).</remarks>
internal sealed class Charmap
{
    private const char Lost = '\uFFFD', Substitute = '\u001A';

    private readonly string _upper;
    private readonly Dictionary<char, byte> _bytes = [];

    private Charmap(string name, string upper)
    {
        (Name, _upper) = (name, upper);
        IsWindows = name.StartsWith("windows", StringComparison.Ordinal);
        for (var i = 0; i < upper.Length; i++) _bytes[upper[i]] = (byte)(0x80 + i);
        if (IsWindows) _bytes[Lost] = (byte)Substitute;
    }

    /// <summary>The encodings that UTF-8 is mistaken for, most likely first.</summary>
    public static ImmutableArray<Charmap> All => s_all.Value;

    public static Charmap Windows1252 => All[1];

    public string Name { get; }

    /// <summary>Whether lost characters may stand in the text.</summary>
    public bool IsWindows { get; }

    public char Decode(byte value) => value < 0x80 ? (char)value : _upper[value - 0x80];

    /// <summary>The bytes that decode to a text, or null when a character of it is not of this encoding.</summary>
    public byte[]? TryEncode(string text)
    {
        var bytes = new byte[text.Length];
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] < 0x80 && (text[i] != Substitute || !IsWindows)) bytes[i] = (byte)text[i];
            else if (_bytes.TryGetValue(text[i], out var value)) bytes[i] = value;
            else return null;
        }
        return bytes;
    }

    private static readonly Lazy<ImmutableArray<Charmap>> s_all = new(
        () => [.. RepairTable.Rows("charmaps").Select(row => new Charmap(row[0], RepairTable.Text(row[1])))]);
}
