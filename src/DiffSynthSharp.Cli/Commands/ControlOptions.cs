using System.CommandLine;
using System.Globalization;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>ControlNets that lead the picture.</summary>
internal sealed class ControlOptions : RequestOptions
{
    private const string Form = "ANNOTATOR=FILE:PICTURE[:SCALE[:START-END]], such as canny=control_canny.safetensors:photo.png:0.8";
    private const string Previous = "previous";

    private readonly Option<string[]> _controls = Values.Many("--control", "ANNOTATOR=FILE:PICTURE[:SCALE[:START-END]]",
        $"A ControlNet that leads the picture. ANNOTATOR turns PICTURE into what it was trained on: {string.Join(", ", AnnotatorNames.All)}."
            + " The word previous in place of PICTURE takes the picture of the pass before (with --highres). Can be repeated.");

    private readonly Option<string[]> _files = Values.Many("--annotator-file", "ANNOTATOR=FILE", "The weights of an annotator that is a network. Can be repeated.");

    private readonly Option<bool> _guess = Values.Flag("--guess", "With --control: the negative prompt's branch is left without control (guess mode).");

    public override IEnumerable<Option> All => [_controls, _files, _guess];

    public override GenerationRequest Apply(ParseResult parsed, GenerationRequest request, Action<string> say)
    {
        var files = (parsed.GetValue(_files) ?? []).Select(File).ToDictionary(file => file.Name, file => file.Path);
        var values = parsed.GetValue(_controls) ?? [];
        if (values.Length == 0)
            return files.Count == 0 && !parsed.GetValue(_guess) ? request : throw new DiffSynthException("--annotator-file and --guess work with --control; name a ControlNet.");
        var controls = values.Select(value => Control(value, files) with { Guess = parsed.GetValue(_guess) }).ToList();
        if (files.Keys.FirstOrDefault(name => controls.All(control => control.Annotator != name)) is { } unused)
            throw new DiffSynthException($"--annotator-file names '{unused}', but no --control uses that annotator.");
        return request with { Controls = controls };
    }

    private static ControlUse Control(string value, Dictionary<string, string> files)
    {
        var equals = value.IndexOf('=');
        var (path, tail) = PathValue.Split(value[(equals + 1)..]);
        if (equals < 1 || tail is null) throw Unfit(value);
        var (picture, numbers) = PathValue.Split(tail);
        var (annotator, parts) = (value[..equals], numbers?.Split(':') ?? []);
        if (parts.Length > 2) throw Unfit(value);
        AnnotatorNames.Check(annotator, files.GetValueOrDefault(annotator));
        var use = new ControlUse(path, picture == Previous ? null : Picture.Load(picture)) { Annotator = annotator, AnnotatorFile = files.GetValueOrDefault(annotator) };
        if (parts.Length > 0) use = use with { Scale = Number(parts[0], value) };
        if (parts.Length < 2) return use;
        var ends = parts[1].Split('-');
        return ends.Length == 2 ? use with { Start = Number(ends[0], value), End = Number(ends[1], value) } : throw Unfit(value);
    }

    private static (string Name, string Path) File(string value)
    {
        var equals = value.IndexOf('=');
        return equals > 0 ? (value[..equals], value[(equals + 1)..]) : throw new DiffSynthException($"--annotator-file '{value}' does not fit: expected ANNOTATOR=FILE, such as lineart=sk_model.pth.");
    }

    private static double Number(string text, string value)
        => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : throw Unfit(value);

    private static DiffSynthException Unfit(string value) => new($"--control '{value}' does not fit: expected {Form}.");
}
