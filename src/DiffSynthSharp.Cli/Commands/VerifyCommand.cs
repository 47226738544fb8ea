using System.CommandLine;
using DiffSynthSharp.Cli.Output;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth verify</c>: makes a picture again and compares every pixel.</summary>
internal static class VerifyCommand
{
    /// <summary>The exit code when pixels differ.</summary>
    public const int Differs = 1;

    public static Command Create(Terminal terminal)
    {
        var picture = new Argument<string>("picture") { Description = "A .png file that this program made." };
        var model = Values.Text("--model", "PATH", "The model, when it is no longer where it was.", "-m");
        var device = Values.Text("--device", "NAME", "cpu, cuda or cuda:N. Default: as it was made.");
        var threads = Values.Whole("--threads", "N", "Threads. Default: as it was made.");
        var output = Values.Text("--output", "FILE", "Also write the picture that came out.", "-o");
        var quiet = Values.Flag("--quiet", "Print the result alone.", "-q");
        var json = Values.Flag("--json", "Print the result as one line of JSON.");
        var command = new CommandWithExamples("verify", "Make a picture again and compare every pixel. Exit code: 0 identical, 1 different, 2 it could not be made.",
            "diffsynth verify car.png", "diffsynth verify car.png --model v1-5-pruned-emaonly.safetensors --json")
        {
            picture, model, device, threads, output, quiet, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var file = parsed.GetRequiredValue(picture);
            var target = PictureNames.Target(parsed.GetValue(output));
            var isQuiet = parsed.GetValue(quiet) || parsed.GetValue(json);
            var reasons = new List<string>();
            var expected = Picture.Load(file);
            if (PictureRecord.Read(file) is null)
                throw new DiffSynthException($"'{file}' holds no record of what made it, so it can't be verified: expected a .png file that this program made.");
            var again = Repetition.Of(file, reasons.Add);
            if (again.Record!.IsChanged(expected)) reasons.Add("The picture's own pixels are no longer those that were written with its record.");
            var asked = new LoadOptions { Device = parsed.GetValue(device) ?? "cpu", Threads = parsed.GetValue(threads) };
            var made = new ProgressDisplay(terminal, isQuiet).Run(progress =>
            {
                var path = again.ModelPath(parsed.GetValue(model));
                var loading = again.Loading(path, asked, parsed.GetValue(device) is not null, reasons.Add);
                using var loaded = DiffusionModel.Load(path, loading, progress, cancellation);
                reasons.AddRange(again.Differences(loaded, cancellation));
                return loaded.Generate(loaded.Fitting(again.Request, again.Request, reasons.Add), progress, cancellation)[0].Picture;
            });
            if (target is not null) made.Save(target);
            var difference = PictureDifference.Of(expected, made);
            Say(terminal, parsed.GetValue(json), file, difference, reasons);
            return Task.FromResult(difference.IsNone ? 0 : Differs);
        });
        return command;
    }

    private static void Say(Terminal terminal, bool isJson, string file, PictureDifference difference, IReadOnlyList<string> reasons)
    {
        if (isJson)
        {
            JsonLines.Write(terminal.Out, new { file, identical = difference.IsNone, difference.Pixels, difference.Differing, difference.Largest, difference.Mean, notes = reasons });
            return;
        }
        terminal.Out.WriteLine($"{file}: {difference}");
        foreach (var reason in reasons) terminal.Out.WriteLine($"  {reason}");
    }
}
