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

    public static Option<(int Width, int Height)?> Size(string name, string description)
        => Read<(int, int)?>(name, "WxH", description, SizeOf, "a width and a height such as 512x512");

    public static Option<IReadOnlyList<(int Width, int Height)>> Sizes(string name, string description)
        => List(name, "WxH[,WxH…]", description, SizeOf, "a width and a height such as 1024x1024");

    public static Option<IReadOnlyList<double>> Numbers(string name, string helpName, string description) => List<double>(name, helpName, description,
        text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? value : null, "a number");

    /// <summary>An option that may be given several times.</summary>
    public static Option<string[]> Many(string name, string helpName, string description)
        => new(name) { Description = description, HelpName = helpName, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };

    public static Option<string?> Text(string name, string helpName, string description, params string[] aliases)
        => new(name, aliases) { Description = description, HelpName = helpName };

    public static Option<bool> Flag(string name, string description, params string[] aliases) => new(name, aliases) { Description = description };

    /// <summary>An option whose value is one of a few words.</summary>
    /// <param name="name">The option.</param>
    /// <param name="helpName">What to call its value in the help.</param>
    /// <param name="description">Its help.</param>
    /// <param name="choices">The words and what they stand for.</param>
    public static Option<T?> Choice<T>(string name, string helpName, string description, params (string Word, T Value)[] choices)
        where T : struct => new(name)
        {
            Description = description,
            HelpName = helpName,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (Array.FindIndex(choices, choice => choice.Word.Equals(text, StringComparison.OrdinalIgnoreCase)) is var at and >= 0) return choices[at].Value;
                result.AddError($"{name} '{text}' does not fit: expected {string.Join(", ", choices.Select(choice => choice.Word))}");
                return null;
            },
        };

    private static (int Width, int Height)? SizeOf(string text)
    {
        var sides = text.Split('x', 'X', '×');
        return sides.Length == 2 && int.TryParse(sides[0], NumberStyles.None, CultureInfo.InvariantCulture, out var width)
            && int.TryParse(sides[1], NumberStyles.None, CultureInfo.InvariantCulture, out var height) ? (width, height) : null;
    }

    // Values parted by commas; the option may be repeated too.
    private static Option<IReadOnlyList<T>> List<T>(string name, string helpName, string description, Func<string, T?> read, string expected)
        where T : struct => new(name)
        {
            Description = description,
            HelpName = helpName,
            Arity = ArgumentArity.OneOrMore,
            CustomParser = result =>
            {
                var values = new List<T>();
                foreach (var text in result.Tokens.SelectMany(token => token.Value.Split(',')))
                {
                    if (read(text.Trim()) is { } value) values.Add(value);
                    else result.AddError($"{name} '{text}' does not fit: expected {expected}");
                }
                return values;
            },
        };

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
