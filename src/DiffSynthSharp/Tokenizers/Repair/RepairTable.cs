using System.Globalization;

namespace DiffSynthSharp.Tokenizers.Repair;

/// <summary>The tables of this folder: tab separated text, code points in hexadecimal, <c>A-B</c> a range.</summary>
internal static class RepairTable
{
    /// <summary>The rows of a table, cut at tabs.</summary>
    public static IEnumerable<string[]> Rows(string name)
    {
        using var stream = typeof(RepairTable).Assembly.GetManifestResourceStream($"{name}.tsv")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            if (!line.StartsWith('#')) yield return line.Split('\t');
    }

    public static int CodePoint(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    /// <summary>The text that a list of code points spells.</summary>
    public static string Text(string codePoints) => string.Concat(codePoints.Split(' ').Select(c => char.ConvertFromUtf32(CodePoint(c))));

    /// <summary>Every code point of a list of code points and ranges.</summary>
    public static IEnumerable<int> Members(string list)
    {
        foreach (var part in list.Split(' '))
        {
            var ends = part.Split('-');
            for (var c = CodePoint(ends[0]); c <= CodePoint(ends[^1]); c++) yield return c;
        }
    }

    /// <summary>The same list as the inside of a regular expression's character class.</summary>
    public static string CharacterClass(string list)
        => string.Concat(list.Split(' ').Select(part => string.Join('-', part.Split('-').Select(c => $@"\u{c}"))));
}
