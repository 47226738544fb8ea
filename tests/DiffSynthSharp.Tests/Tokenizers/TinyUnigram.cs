using System.Text;

namespace DiffSynthSharp.Tests.Tokenizers;

/// <summary>A SentencePiece model of a few pieces, as a file's bytes.</summary>
internal static class TinyUnigram
{
    public const int Normal = 1, Unknown = 2, Control = 3;

    public const int Pad = 0, End = 1, Unk = 2, Start = 3, Red = 4, Car = 5, Comma = 6, Re = 7, D = 8;

    public static readonly IReadOnlyList<(string Text, float Score, int Type)> Pieces =
    [
        ("<pad>", 0, Control), ("</s>", 0, Control), ("<unk>", 0, Unknown), ("\u2581", -2, Normal), ("\u2581red", -3, Normal), ("\u2581car", -3, Normal), (",", -4, Normal), ("re", -5, Normal),
        ("d", -5, Normal),
    ];

    public static void Write(string folder, IEnumerable<(string Text, float Score, int Type)>? pieces = null, int kind = 1, byte[]? rules = null)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "spiece.model"), Bytes(pieces ?? Pieces, kind, rules ?? []));
    }

    private static byte[] Bytes(IEnumerable<(string Text, float Score, int Type)> pieces, int kind, byte[] rules)
    {
        using var file = new MemoryStream();
        foreach (var (text, score, type) in pieces)
        {
            byte[] piece = [.. Delimited(1, Encoding.UTF8.GetBytes(text)), 0x15, .. BitConverter.GetBytes(score), 0x18, (byte)type];
            file.Write(Delimited(1, piece));
        }
        file.Write(Delimited(2, [0x18, (byte)kind]));
        file.Write(Delimited(3, Delimited(2, rules)));
        return file.ToArray();
    }

    private static byte[] Delimited(int field, byte[] bytes)
    {
        var size = new List<byte>();
        var rest = bytes.Length;
        for (; rest > 0x7F; rest >>= 7) size.Add((byte)(rest & 0x7F | 0x80));
        return [(byte)(field << 3 | 2), .. size, (byte)rest, .. bytes];
    }
}
