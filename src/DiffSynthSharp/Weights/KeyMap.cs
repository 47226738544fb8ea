using System.Text.RegularExpressions;

namespace DiffSynthSharp.Weights;

/// <summary>
/// Translates tensor names between a published layout and a network's own names, in both directions. The table is text: a row has a
/// published prefix and ours; <c>-</c> in place of ours means the tensor is left out on purpose; rows below <c>[section]</c> are
/// repeated for each set of numbers that the section is given for its <c>{placeholders}</c>.
/// </summary>
/// <remarks>
/// Layouts also cut tensors differently. Published names parted by <c>|</c> are joined along the first axis to ours; our names parted by <c>|</c>
/// are equal parts of the published tensor. A third column says what is done to the values besides: <c>swapped</c> or <c>transposed</c> (<see cref="KeyChange"/>).
/// </remarks>
internal sealed partial class KeyMap
{
    /// <summary>What the placeholders of a section's rows stand for, one set per repetition.</summary>
    public sealed class Sections : Dictionary<string, IEnumerable<IReadOnlyDictionary<string, int>>>;

    private const string LeftOut = "-";
    private static readonly IReadOnlyDictionary<string, int>[] s_once = [new Dictionary<string, int>()];

    private readonly Dictionary<string, KeyRow> _toOurs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, KeyRow> _toTheirs = new(StringComparer.Ordinal);

    private int _longestRow;

    private KeyMap()
    {
    }

    /// <summary>A map that changes nothing but leaves out the named tensors.</summary>
    public static KeyMap Identity(params string[] leftOut)
    {
        var map = new KeyMap();
        var all = new KeyRow([""], [""], KeyChange.None);
        map._toOurs[""] = map._toTheirs[""] = all;
        foreach (var name in leftOut) map.AddRow(name, LeftOut, KeyChange.None);
        return map;
    }

    /// <summary>Reads a table that is embedded in this assembly.</summary>
    /// <param name="name">File name, such as <c>UNet.diffusers.keys</c>.</param>
    /// <param name="sections">Numbers for the sections.</param>
    public static KeyMap Embedded(string name, Sections? sections = null) => Embedded([name], sections);

    /// <summary>Reads tables that are embedded in this assembly into one map.</summary>
    /// <param name="names">File names.</param>
    /// <param name="sections">Numbers for the sections of all.</param>
    public static KeyMap Embedded(IEnumerable<string> names, Sections? sections = null)
    {
        var map = new KeyMap();
        foreach (var name in names) map.Add(TextOf(name), sections ?? []);
        return map;
    }

    private static string TextOf(string name)
    {
        using var stream = typeof(KeyMap).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException($"No embedded key table '{name}'.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Reads a table from text.</summary>
    public static KeyMap Parse(string text, Sections sections)
    {
        var map = new KeyMap();
        map.Add(text, sections);
        return map;
    }

    private void Add(string text, Sections sections)
    {
        IEnumerable<IReadOnlyDictionary<string, int>> repetitions = s_once;
        foreach (var line in text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#'))
        {
            if (line[0] == '[')
            {
                repetitions = sections[line.Trim('[', ']')];
                continue;
            }
            var cells = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (cells.Length is not (2 or 3)) throw new FormatException($"A key table row has two or three columns: '{line}'.");
            var change = cells.Length == 2 ? KeyChange.None : Enum.Parse<KeyChange>(cells[2], ignoreCase: true);
            foreach (var numbers in repetitions) AddRow(Fill(cells[0], numbers), Fill(cells[1], numbers), change);
        }
    }

    /// <summary>What becomes of a published tensor.</summary>
    /// <param name="theirs">The published name.</param>
    /// <returns>The row of whole names (without our names when the tensor is left out on purpose), or null when no row covers the name.</returns>
    public KeyRow? RowOf(string theirs) => Translate(_toOurs, theirs);

    /// <summary>Where one of our tensors is in the published layout.</summary>
    /// <param name="ours">Our name.</param>
    /// <returns>The row of whole names, or null when no row covers the name.</returns>
    public KeyRow? RowOfOurs(string ours) => Translate(_toTheirs, ours);

    /// <summary>Our name of a published tensor that is one of ours as a whole.</summary>
    /// <param name="theirs">The published name.</param>
    /// <param name="ours">Our name; null when the tensor is left out on purpose.</param>
    /// <returns>False when no row covers the name, or it is cut differently.</returns>
    public bool TryToOurs(string theirs, out string? ours)
    {
        var row = RowOf(theirs);
        ours = row is { IsWhole: true, Ours: [var name] } ? name : null;
        return row is { IsWhole: true } or { Ours: [] };
    }

    /// <summary>The published name of one of our tensors; null when no row covers it, or it is cut differently.</summary>
    public string? ToTheirs(string ours) => RowOfOurs(ours) is { IsWhole: true } row ? row.Theirs[0] : null;

    private void AddRow(string theirs, string ours, KeyChange change)
    {
        var row = new KeyRow(theirs.Split('|'), ours == LeftOut ? [] : ours.Split('|'), change);
        if (row.Theirs.Count > 1 && row.Ours.Count > 1) throw new FormatException($"A key table row joins or cuts, not both: '{theirs}'.");
        _longestRow = row.Theirs.Concat(row.Ours).Select(name => name.Length).Append(_longestRow).Max();
        foreach (var name in row.Theirs)
            if (!_toOurs.TryAdd(name, row)) throw new FormatException($"The key table has two rows for '{name}'.");
        foreach (var name in row.Ours) _toTheirs.TryAdd(name, row); // several published names may be read; the first is the one written
    }

    private static string Fill(string template, IReadOnlyDictionary<string, int> numbers)
        => Placeholder().Replace(template, match => numbers.TryGetValue(match.Groups[1].Value, out var number)
            ? number.ToString(System.Globalization.CultureInfo.InvariantCulture)
            : throw new FormatException($"The key table's placeholder {match.Value} in '{template}' has no number."));

    // The longest row that ends at a segment's border wins.
    private KeyRow? Translate(Dictionary<string, KeyRow> rows, string name)
    {
        var byStart = rows.GetAlternateLookup<ReadOnlySpan<char>>();
        // What is longer than every row need not be looked for: a file's names may be of any length, with any number of dots.
        for (var end = name.Length > _longestRow ? BorderBefore(name, _longestRow + 1) : name.Length; end >= 0; end = end == 0 ? -1 : BorderBefore(name, end))
            if (byStart.TryGetValue(name.AsSpan(0, end), out var row))
                return row.With(name[end..]);
        return null;
    }

    private static int BorderBefore(string name, int end) => Math.Max(name.LastIndexOf('.', end - 1), 0);

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Placeholder();
}
