using System.CommandLine;
using System.Diagnostics;
using DiffSynthSharp.Cli.Output;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth upscale</c>: a picture becomes a larger one.</summary>
internal static class UpscaleCommand
{
    public static Command Create(Terminal terminal)
    {
        var picture = new Argument<string>("picture") { Description = "The picture to enlarge." };
        var upscaler = new Option<string>("--upscaler") { Description = "An ESRGAN or Real-ESRGAN file (.pth, .safetensors).", HelpName = "FILE", Required = true };
        var output = Values.Text("--output", "PATH", "A file (.png, .jpg, .webp) or a folder for the result; without it, PICTURE-x4.png here.", "-o");
        var tile = Values.Whole("--tile", "N", $"Pixels along a tile's side; fewer take less memory, 0 takes the whole picture at once (default {Upscaler.DefaultTile}).");
        var device = Values.Text("--device", "NAME", "cpu, cuda or cuda:N (default cpu).");
        var threads = Values.Whole("--threads", "N", "Threads to compute with (default all cores).");
        var quiet = Values.Flag("--quiet", "Print errors only.", "-q");
        var command = new CommandWithExamples("upscale", "Enlarge a picture with an ESRGAN network.",
            "diffsynth upscale cat.png --upscaler RealESRGAN_x4plus.pth", "diffsynth upscale cat.png --upscaler 4x-UltraSharp.pth --tile 128 -o large.png")
        {
            picture, upscaler, output, tile, device, threads, quiet,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var from = parsed.GetRequiredValue(picture);
            var target = PictureNames.Target(parsed.GetValue(output));
            var small = Picture.Load(from);
            using var network = Upscaler.Load(parsed.GetRequiredValue(upscaler), parsed.GetValue(device) ?? "cpu", parsed.GetValue(threads), cancellation);
            var large = new ProgressDisplay(terminal, parsed.GetValue(quiet)).Run(progress
                => network.Upscale(small, parsed.GetValue(tile) ?? Upscaler.DefaultTile, progress: new Tiles(progress), cancellation: cancellation));
            var file = PictureNames.Derived(target, from, $"x{network.Scale}");
            large.Save(file);
            if (!parsed.GetValue(quiet)) terminal.Out.WriteLine(file);
            return Task.FromResult(0);
        });
        return command;
    }

    private sealed class Tiles(IProgress<GenerationProgress> progress) : IProgress<(int Done, int Total)>
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        public void Report((int Done, int Total) value)
        {
            if (value.Done > 0) progress.Report(new(GenerationPhase.Step, value.Done, value.Total, _clock.Elapsed.TotalSeconds / value.Done));
        }
    }
}
