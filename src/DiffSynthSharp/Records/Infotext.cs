using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace DiffSynthSharp.Records;

/// <summary>The text by which AUTOMATIC1111's web page says what made a picture: prompt, negative prompt, and a line of named values.</summary>
/// <param name="Prompt">May have several lines.</param>
/// <param name="Negative">"" when there is none.</param>
/// <param name="Fields">Name and value in the order of the text; a size is two fields, <c>Size-1</c> and <c>Size-2</c>.</param>
/// <remarks>AUTOMATIC1111/stable-diffusion-webui 1.10, modules/infotext_utils.py (<c>parse_generation_parameters</c>).</remarks>
internal sealed partial record Infotext(string Prompt, string Negative, IReadOnlyList<KeyValuePair<string, string>> Fields)
{
    private const string NegativeMark = "Negative prompt:";
    private const int LeastFields = 3, MaxFieldsLength = 100_000, MatchMilliseconds = 2_000;

    // Backtracking would take seconds for a long line without a colon.
    private static readonly Regex s_field = new(
        """\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)""", RegexOptions.NonBacktracking, TimeSpan.FromMilliseconds(MatchMilliseconds));

    private static readonly JsonSerializerOptions s_unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The value of a field; null when the text has none.</summary>
    public string? this[string name] => Fields.LastOrDefault(field => field.Key == name).Value;

    /// <summary>Reads any text: one without a line of values is all prompt.</summary>
    public static Infotext Parse(string text)
    {
        var lines = text.Trim().Split('\n').ToList();
        var fields = FieldsOf(lines[^1]);
        if (fields.Count < LeastFields) fields = [];
        else lines.RemoveAt(lines.Count - 1);
        var (prompt, negative, isNegative) = (new StringBuilder(), new StringBuilder(), false);
        foreach (var raw in lines)
        {
            var line = raw.Trim();
            if (line.StartsWith(NegativeMark, StringComparison.Ordinal))
            {
                isNegative = true;
                line = line[NegativeMark.Length..].Trim();
            }
            var part = isNegative ? negative : prompt;
            part.Append(part.Length == 0 ? "" : "\n").Append(line);
        }
        var read = new Infotext(prompt.ToString(), negative.ToString(), [.. fields.SelectMany(field => Values(field.Name, field.Value))]);
        return read.WithOldHighRes().WithHypernet();
    }

    /// <summary>The text itself. Sizes are written as values like 512x768.</summary>
    public override string ToString()
    {
        var last = string.Join(", ", Fields.Select(field => $"{field.Key}: {Quoted(field.Value)}"));
        string[] lines = Negative.Length == 0 ? [Prompt, last] : [Prompt, $"{NegativeMark} {Negative}", last];
        return string.Join('\n', lines);
    }

    private static List<(string Name, string Value)> FieldsOf(string line)
    {
        if (line.Length > MaxFieldsLength) return [];
        try
        {
            return [.. s_field.Matches(line).Select(match => (match.Groups[1].Value, match.Groups[2].Value))];
        }
        catch (RegexMatchTimeoutException)
        {
            return [];
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Values(string name, string value)
    {
        if (value.Length == 0) return [];
        if (value[0] == '"' && value[^1] == '"') value = Unquoted(value);
        return Size().Match(value) is { Success: true } size
            ? [new($"{name}-1", size.Groups[1].Value), new($"{name}-2", size.Groups[2].Value)]
            : [new(name, value)];
    }

    private static string Unquoted(string value)
    {
        try
        {
            return JsonSerializer.Deserialize<string>(value) ?? value;
        }
        catch (JsonException)
        {
            return value;
        }
    }

    private static string Quoted(string value) => value.AsSpan().IndexOfAny(",:\n") < 0 ? value : JsonSerializer.Serialize(value, s_unescaped);

    // Once the size was the second pass's, and the first pass had a field of its own; 0x0 meant about 512 × 512 pixels.
    private Infotext WithOldHighRes()
    {
        if (Whole("First pass size-1") is not { } firstWidth || Whole("First pass size-2") is not { } firstHeight) return this;
        var (width, height) = (Whole("Size-1") ?? 512, Whole("Size-2") ?? 512);
        if (firstWidth == 0 || firstHeight == 0)
        {
            var scale = Math.Sqrt(512 * 512 / ((double)width * height));
            (firstWidth, firstHeight) = ((long)Math.Ceiling(scale * width / 64) * 64, (long)Math.Ceiling(scale * height / 64) * 64);
        }
        var others = Fields.Where(field => field.Key is not ("Size-1" or "Size-2"));
        return this with { Fields = [.. others, Of("Size-1", firstWidth), Of("Size-2", firstHeight), Of("Hires resize-1", width), Of("Hires resize-2", height)] };
    }

    private Infotext WithHypernet() => this["Hypernet"] is { } name ? this with { Prompt = $"{Prompt}<hypernet:{name}:{this["Hypernet strength"] ?? "1.0"}>" } : this;

    private long? Whole(string name) => int.TryParse(this[name], NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static KeyValuePair<string, string> Of(string name, long value) => new(name, value.ToString(CultureInfo.InvariantCulture));

    [GeneratedRegex(@"^([0-9]+)x([0-9]+)$", RegexOptions.None, MatchMilliseconds)]
    private static partial Regex Size();
}
