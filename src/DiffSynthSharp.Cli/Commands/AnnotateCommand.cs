using System.CommandLine;
using DiffSynthSharp.Cli.Output;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth annotate</c>: the picture that a ControlNet would look at.</summary>
internal static class AnnotateCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("annotator") { Description = string.Join(", ", AnnotatorNames.All) };
        var picture = new Argument<string>("picture") { Description = "The picture to look at." };
        var file = Values.Text("--annotator-file", "FILE", "The network of lineart (sk_model.pth) or depth (dpt_hybrid-midas-501f0c75.pt, Depth-Anything-V2).");
        var output = Values.Text("--output", "PATH", "A file (.png, .jpg, .webp) or a folder for the result; without it, PICTURE-ANNOTATOR.png here.", "-o");
        var device = Values.Text("--device", "NAME", "cpu, cuda or cuda:N (default cpu).");
        var command = new CommandWithExamples("annotate", "Turn a picture into what a ControlNet sees of it: edges, lines, depth, colours.",
            "diffsynth annotate canny photo.png --output edges.png", "diffsynth annotate depth photo.png --annotator-file depth_anything_v2_vits.pth")
        {
            name, picture, file, output, device,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var (annotator, from, weights) = (parsed.GetRequiredValue(name), parsed.GetRequiredValue(picture), parsed.GetValue(file));
            AnnotatorNames.Check(annotator, weights);
            var target = PictureNames.Target(parsed.GetValue(output));
            var control = AnnotatorNames.Run(annotator, Picture.Load(from), weights, parsed.GetValue(device) ?? "cpu", cancellation);
            var path = PictureNames.Derived(target, from, annotator);
            control.Save(path);
            terminal.Out.WriteLine(path);
            return Task.FromResult(0);
        });
        return command;
    }
}
