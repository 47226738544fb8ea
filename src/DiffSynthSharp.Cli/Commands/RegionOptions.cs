using System.CommandLine;
using System.Globalization;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>Prompts for parts of the picture.</summary>
internal sealed class RegionOptions : RequestOptions
{
    private const string Form = "a mask, a colon and a prompt, such as left.png:\"a red house\", or left.png*2.5:\"a red house\" to weigh it 2.5";

    private readonly Option<string[]> _regions = Values.Many("--region", "MASK[*SCALE]:PROMPT",
        "A prompt for what is white in a mask; the main prompt counts 1 everywhere, each region its scale. Can be repeated.");

    private readonly Option<double?> _blur = Values.Number("--region-blur", "CELLS",
        "How far borders of regions are softened, in latent cells of 8 pixels. Default: 10, less for pictures below 512 pixels.");

    public override IEnumerable<Option> All => [_regions, _blur];

    public override GenerationRequest Apply(ParseResult parsed, GenerationRequest request, Action<string> say)
    {
        if (parsed.GetValue(_regions) is { Length: > 0 } regions) request = request with { Regions = [.. regions.Select(Region)] };
        return request with { RegionBlur = parsed.GetValue(_blur) ?? request.RegionBlur };
    }

    private static PromptRegion Region(string value)
    {
        var (mask, prompt) = PathValue.Split(value);
        if (prompt is null) throw new DiffSynthException($"--region '{value}' does not fit: expected {Form}.");
        var at = mask.LastIndexOf('*');
        if (at < 0) return new(Picture.Load(mask), prompt);
        if (!double.TryParse(mask[(at + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var scale))
            throw new DiffSynthException($"--region '{value}': '{mask[(at + 1)..]}' is no number. Expected {Form}.");
        return new(Picture.Load(mask[..at]), prompt, scale);
    }
}
