using System.Text;

namespace DiffSynthSharp.Tokenizers.Repair;

/// <summary>Unicode's normal form C: letters and the marks that follow them become single characters where there are such.</summary>
/// <remarks>
/// Unicode Standard Annex 15 and section 3.12 of the standard. Not <see cref="string.Normalize()"/>: without ICU, which a bare Linux does not
/// have and which the globalization-invariant mode does not load, it returns its input.
/// </remarks>
internal static class CanonicalComposition
{
    private const int HangulFirst = 0xAC00, LeadFirst = 0x1100, VowelFirst = 0x1161, TailBefore = 0x11A7;
    private const int Leads = 19, Vowels = 21, Tails = 28;

    private sealed record Tables(Dictionary<int, byte> Classes, Dictionary<int, int[]> Decompositions, Dictionary<(int, int), int> Compositions);

    private static readonly Lazy<Tables> s_tables = new(Read);

    /// <summary>The normal form C of a text without lone surrogates.</summary>
    public static string Of(string text)
    {
        // Nothing below U+0300 composes or decomposes on its own.
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', '\u02FF')) return text;
        var tables = s_tables.Value;
        var points = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes()) Decompose(rune.Value, tables, points);
        OrderMarks(points, tables);
        Compose(points, tables);
        var result = new StringBuilder(points.Count);
        foreach (var point in points) result.Append(new Rune(point).ToString());
        return result.ToString();
    }

    private static void Decompose(int point, Tables tables, List<int> into)
    {
        if (point is >= HangulFirst and < HangulFirst + Leads * Vowels * Tails)
        {
            var index = point - HangulFirst;
            into.Add(LeadFirst + index / (Vowels * Tails));
            into.Add(VowelFirst + index / Tails % Vowels);
            if (index % Tails != 0) into.Add(TailBefore + index % Tails);
        }
        else if (tables.Decompositions.TryGetValue(point, out var parts))
        {
            foreach (var part in parts) Decompose(part, tables, into);
        }
        else
        {
            into.Add(point);
        }
    }

    private static void OrderMarks(List<int> points, Tables tables)
    {
        for (var start = 0; start < points.Count; start++)
        {
            if (ClassOf(points[start], tables) == 0) continue;
            var end = start;
            while (end < points.Count && ClassOf(points[end], tables) != 0) end++;
            var ordered = points[start..end].OrderBy(point => ClassOf(point, tables)).ToList();
            for (var i = 0; i < ordered.Count; i++) points[start + i] = ordered[i];
            start = end;
        }
    }

    private static void Compose(List<int> points, Tables tables)
    {
        var (kept, starter, lastClass) = (0, -1, -1);
        foreach (var point in points.ToArray())
        {
            var own = ClassOf(point, tables);
            // A mark reaches its starter unless one of the same or a higher class stands between.
            if (starter >= 0 && (lastClass < own || lastClass == -1) && Pair(points[starter], point, tables) is { } composed)
            {
                points[starter] = composed;
                continue;
            }
            if (own == 0) (starter, lastClass) = (kept, -1);
            else lastClass = own;
            points[kept++] = point;
        }
        points.RemoveRange(kept, points.Count - kept);
    }

    private static int? Pair(int first, int second, Tables tables)
    {
        if (first is >= LeadFirst and < LeadFirst + Leads && second is >= VowelFirst and < VowelFirst + Vowels)
            return HangulFirst + ((first - LeadFirst) * Vowels + (second - VowelFirst)) * Tails;
        var isWithoutTail = first is >= HangulFirst and < HangulFirst + Leads * Vowels * Tails && (first - HangulFirst) % Tails == 0;
        if (isWithoutTail && second is > TailBefore and < TailBefore + Tails) return first + (second - TailBefore);
        return tables.Compositions.TryGetValue((first, second), out var composed) ? composed : null;
    }

    private static byte ClassOf(int point, Tables tables) => tables.Classes.GetValueOrDefault(point);

    private static Tables Read()
    {
        var tables = new Tables([], [], []);
        foreach (var row in RepairTable.Rows("canonical"))
        {
            if (row[0] == "class")
            {
                foreach (var point in RepairTable.Members(row[2])) tables.Classes[point] = byte.Parse(row[1]);
                continue;
            }
            var (whole, parts) = (RepairTable.CodePoint(row[1]), row[2].Split(' ').Select(RepairTable.CodePoint).ToArray());
            tables.Decompositions[whole] = parts;
            if (row[0] == "pair") tables.Compositions[(parts[0], parts[1])] = whole;
        }
        return tables;
    }
}
