using System.CommandLine;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>Passes over the enlarged picture, one after the other.</summary>
internal sealed class HighResOptions : RequestOptions
{
    private readonly Option<IReadOnlyList<(int Width, int Height)>> _sizes = Values.Sizes("--highres",
        "Enlarges the picture and refines it; several sizes, parted by commas, one after the other, up to 4096x4096.");

    private readonly Option<IReadOnlyList<double>> _strengths = Values.Numbers("--highres-strength", "X[,X…]",
        "How much a pass changes, 0 to 1: one for all passes or one for each. Default: 0.7.");

    private readonly Option<IReadOnlyList<double>> _steps = Values.Numbers("--highres-steps", "N[,N…]", "Steps of a pass: one for all passes or one for each. Default: as --steps.");

    private readonly Option<string?> _upscaler = Values.Text("--upscaler", "FILE", "With --highres: an ESRGAN network (.pth, .safetensors) that enlarges the picture. Default: bicubic.");

    public override IEnumerable<Option> All => [_sizes, _strengths, _steps, _upscaler];

    public override GenerationRequest Apply(ParseResult parsed, GenerationRequest request, Action<string> say)
    {
        // Without sizes of its own the command line changes the passes of a repeated picture.
        var passes = parsed.GetValue(_sizes) is { Count: > 0 } sizes ? [.. sizes.Select(size => new HighResPass(size.Width, size.Height))] : request.HighRes;
        if (passes.Count == 0)
        {
            foreach (var option in new Option[] { _strengths, _steps, _upscaler })
                if (parsed.GetResult(option) is not null) throw new DiffSynthException($"{option.Name} needs a size to enlarge to: name it with --highres.");
            return request;
        }
        var (strengths, steps) = (parsed.GetValue(_strengths) ?? [], parsed.GetValue(_steps) ?? []);
        CheckCount(_strengths, strengths, passes.Count);
        CheckCount(_steps, steps, passes.Count);
        if (steps.Any(count => count != Math.Floor(count))) throw new DiffSynthException("--highres-steps takes whole numbers.");
        return request with { HighRes = [.. passes.Select(Changed)] };

        HighResPass Changed(HighResPass pass, int i) => pass with
        {
            Strength = strengths.Count == 0 ? pass.Strength : strengths[Math.Min(i, strengths.Count - 1)],
            Steps = steps.Count == 0 ? pass.Steps : (int)steps[Math.Min(i, steps.Count - 1)],
            Upscaler = parsed.GetValue(_upscaler) ?? pass.Upscaler,
        };
    }

    private static void CheckCount(Option option, IReadOnlyList<double> values, int passes)
    {
        if (values.Count > 1 && values.Count != passes)
            throw new DiffSynthException($"{option.Name} has {values.Count} values, but there {(passes == 1 ? "is 1 pass" : $"are {passes} passes")} of --highres: give one for all or one for each.");
    }
}
