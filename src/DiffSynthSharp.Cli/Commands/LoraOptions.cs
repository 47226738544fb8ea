using System.CommandLine;
using System.Globalization;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>LoRAs of one generation.</summary>
internal sealed class LoraOptions : RequestOptions
{
    private readonly Option<string[]> _loras = Values.Many("--lora", "FILE[:SCALE]",
        "A LoRA in any published layout (kohya, LyCORIS, PEFT, diffusers, DiffSynth); 1 is as trained. Can be repeated, and all add up.");

    private readonly Option<bool> _strict = Values.Flag("--strict-lora", "With --lora: a LoRA that does not fit the model in every tensor is an error.");

    public override IEnumerable<Option> All => [_loras, _strict];

    public override GenerationRequest Apply(ParseResult parsed, GenerationRequest request, Action<string> say)
    {
        if (parsed.GetValue(_loras) is { Length: > 0 } loras) request = request with { Loras = [.. loras.Select(value => Use("--lora", value))] };
        return parsed.GetValue(_strict) ? request with { StrictLoras = true } : request;
    }

    /// <summary>Reads a file with its scale.</summary>
    /// <param name="option">What to call the option in an error.</param>
    /// <param name="value">Its value; a drive's colon (C:\…) is part of the file.</param>
    /// <exception cref="DiffSynthException">The scale is no number.</exception>
    public static LoraUse Use(string option, string value)
    {
        var at = value.LastIndexOf(':');
        var isDrive = at == 1 && char.IsAsciiLetter(value[0]);
        if (at < 0 || isDrive || File.Exists(value)) return new(value);
        return double.TryParse(value[(at + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var scale) && double.IsFinite(scale)
            ? new(value[..at], scale)
            : throw new DiffSynthException($"{option} '{value}' does not fit: expected a file, or a file, a colon and a number such as style.safetensors:0.8.");
    }
}
