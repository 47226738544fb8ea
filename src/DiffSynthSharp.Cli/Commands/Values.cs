using System.CommandLine;
using System.Globalization;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>Options whose values are read with messages that say what was expected.</summary>
internal static class Values
{
    public static Option<int?> Whole(string name, string helpName, string description) => Read<int?>(name, helpName, description,
        text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null, "a whole number");

    public static Option<long?> Seed(string name, string helpName, string description) => Read<long?>(name, helpName, description,
        text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null, "a whole number");

    public static Option<double?> Number(string name, string helpName, string description) => Read<double?>(name, helpName, description,
        text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : null, "a number");

    public static Option<(int Width, int Height)?> Size(string name, string description) => Read<(int, int)?>(name, "WxH", description, text =>
    {
        var sides = text.Split('x', 'X', '×');
        return sides.Length == 2 && int.TryParse(sides[0], NumberStyles.None, CultureInfo.InvariantCulture, out var width)
            && int.TryParse(sides[1], NumberStyles.None, CultureInfo.InvariantCulture, out var height) ? (width, height) : null;
    }, "a width and a height such as 512x512");

    public static Option<string?> Text(string name, string helpName, string description, params string[] aliases)
        => new(name, aliases) { Description = description, HelpName = helpName };

    public static Option<bool> Flag(string name, string description, params string[] aliases) => new(name, aliases) { Description = description };

    private static Option<T?> Read<T>(string name, string helpName, string description, Func<string, T?> read, string expected) => new(name)
    {
        Description = description,
        HelpName = helpName,
        CustomParser = result =>
        {
            if (read(result.Tokens[0].Value) is { } value) return value;
            result.AddError($"{name} '{result.Tokens[0].Value}' does not fit: expected {expected}");
            return default;
        },
    };
}
