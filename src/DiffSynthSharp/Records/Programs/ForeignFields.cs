using System.Globalization;
using System.Text.Json;

namespace DiffSynthSharp.Records.Programs;

/// <summary>Named values of another program's text; what nobody asks for is left over and said.</summary>
internal sealed class ForeignFields(IEnumerable<KeyValuePair<string, string>> fields)
{
    /// <summary>The longest side of a picture that is taken over.</summary>
    public const int LargestSide = 16_384;

    private const int LongestShown = 80;

    private readonly List<KeyValuePair<string, string>> _left = [.. fields];
    private readonly HashSet<string> _said = new(StringComparer.Ordinal);

    /// <summary>What the user should know, a line each.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>An object's values; strings as they are, everything else as JSON. Nulls and empty values are left out.</summary>
    public static ForeignFields Of(JsonElement json) => new(json.ValueKind != JsonValueKind.Object ? [] : json.EnumerateObject()
        .Where(property => property.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined))
        .Select(property => KeyValuePair.Create(property.Name, property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : property.Value.GetRawText()))
        .Where(property => property.Value is not ("" or "[]" or "{}")));

    /// <summary>A value, taken out; null when there is none.</summary>
    public string? Text(string name)
    {
        var found = _left.FindIndex(field => field.Key == name);
        if (found < 0) return null;
        var value = _left[found].Value;
        _left.RemoveAll(field => field.Key == name);
        return value;
    }

    /// <summary>A number in a range; noted and null when it is something else.</summary>
    public double? Number(string name, double low, double high)
    {
        if (Text(name) is not { } text) return null;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= low && value <= high) return value;
        Note(name, text, $"expected a number from {low} to {high}");
        return null;
    }

    /// <summary>A whole number in a range; noted and null when it is something else.</summary>
    public int? Whole(string name, int low, int high) => Number(name, low, high) is { } value ? (int)value : null;

    /// <summary>A seed; noted and null when it is something else.</summary>
    public long? Seed(string name)
    {
        if (Text(name) is not { } text) return null;
        if (SeedOf(text) is { } seed) return seed;
        Note(name, text, "expected a whole number");
        return null;
    }

    /// <summary>The part of a seed that noise depends on: PyTorch's generator uses its lowest 32 bits.</summary>
    public static long? SeedOf(string? text)
        => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? (long)(value & uint.MaxValue) : null;

    /// <summary>Takes out what has no meaning here.</summary>
    public void Ignore(params IReadOnlyCollection<string> names) => _left.RemoveAll(field => names.Contains(field.Key));

    /// <summary>Notes a value with the reason why it is left out.</summary>
    public void Note(string name, string value, string why) => Say($"{Shown(name)}: {Shown(value)} ({why})");

    /// <summary>Notes a line once.</summary>
    public void Say(string line)
    {
        if (_said.Add(line)) Notes.Add(line);
    }

    /// <summary>The notes, and a line for everything that is left.</summary>
    public IReadOnlyList<string> Finish() => [.. Notes, .. _left.Select(field => $"{Shown(field.Key)}: {Shown(field.Value)}")];

    /// <summary>Short and in one line, without signs that would steer a terminal.</summary>
    public static string Shown(string text)
    {
        var plain = string.Concat(text.Take(LongestShown).Select(c => char.IsControl(c) ? ' ' : c));
        return text.Length > LongestShown ? $"{plain}…" : plain;
    }
}
