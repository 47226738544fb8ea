using System.CommandLine;
using System.Globalization;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>What models with a transformer and T5 take besides.</summary>
internal sealed class TransformerOptions : RequestOptions
{
    private readonly Option<double?> _embedded = Values.Number("--guidance-embedded", "X",
        "The guidance that FLUX.1 dev is told; --guidance above 1 works on top of it. Default: 3.5.");

    private readonly Option<string?> _second = Values.Text("--prompt-2", "TEXT", "What T5 reads in place of the prompt (FLUX.1, Stable Diffusion 3).");

    private readonly Option<int?> _length = Values.Whole("--text-length", "N", "Tokens of T5, 1 to 512. Default: the family's, 512 for FLUX.1 dev, 256 for schnell and Stable Diffusion 3.");

    private readonly Option<string?> _skip = Values.Text("--skip-layers", "N,N,…[*SCALE]",
        "Skip-layer guidance of Stable Diffusion 3.5: leads away from what the network predicts without these blocks, such as 7,8,9*2.8.");

    private readonly Option<double?> _cache = Values.Number("--cache-threshold", "X",
        "Skips steps of FLUX.1 whose input has changed by less than this, 0.05 to 2 (TeaCache); 0.2 is hardly seen. Default: every step is computed.");

    public override IEnumerable<Option> All => [_embedded, _second, _length, _skip, _cache];

    public override GenerationRequest Apply(ParseResult parsed, GenerationRequest request, Action<string> say) => request with
    {
        EmbeddedGuidance = parsed.GetValue(_embedded) ?? request.EmbeddedGuidance,
        SecondPrompt = parsed.GetValue(_second) ?? request.SecondPrompt,
        TextLength = parsed.GetValue(_length) ?? request.TextLength,
        SkipLayers = parsed.GetValue(_skip) is { } skip ? Skipped(skip) : request.SkipLayers,
        CacheThreshold = parsed.GetValue(_cache) ?? request.CacheThreshold,
    };

    private static SkipLayers Skipped(string text)
    {
        var parts = text.Split('*');
        var blocks = parts[0].Split(',').Select(number => int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var block) ? block : -1).ToList();
        var scale = new SkipLayers([]).Scale;
        if (parts.Length > 2 || blocks.Contains(-1) || (parts.Length == 2 && !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out scale)))
            throw new DiffSynthException($"--skip-layers '{text}' doesn't fit: expected numbers of blocks and a scale, such as 7,8,9*2.8.");
        return new(blocks) { Scale = scale };
    }
}
