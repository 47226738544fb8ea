using System.CommandLine;
using System.Diagnostics;
using DiffSynthSharp.Cli.Output;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth generate</c>: a prompt becomes pictures.</summary>
internal static class GenerateCommand
{
    public static Command Create(Terminal terminal)
    {
        var options = new GenerateOptions();
        var command = new CommandWithExamples("generate", "Make a picture of what a prompt says.",
            "diffsynth generate \"a red car by the sea\"",
            "diffsynth generate \"a cat\" --model v1-5-pruned-emaonly.safetensors --negative \"blurry\" --steps 20 --seed 42 --size 512x512 -o cat.png",
            "diffsynth generate \"a watercolour\" --model v1-5-pruned-emaonly.safetensors --init photo.png --strength 0.6",
            "diffsynth generate \"a cat\" --model flux1-dev.safetensors --vae ae.safetensors --clip-l clip_l.safetensors --t5 t5xxl_fp16.safetensors --steps 28 --size 1024x1024",
            "diffsynth generate \"a house\" --count 4 --seed 7 --json",
            "diffsynth generate --like cat.png --seed 8")
        {
            options.Prompt,
        };
        foreach (var option in options.All) command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(terminal, options, parsed, cancellation)));
        return command;
    }

    private static int Run(Terminal terminal, GenerateOptions options, ParseResult parsed, CancellationToken cancellation)
    {
        var isQuiet = parsed.GetValue(options.Quiet) || parsed.GetValue(options.Json);
        Action<string> say = isQuiet ? _ => { } : terminal.Error.WriteLine;
        var like = parsed.GetValue(options.Like) is { } repeated ? Repetition.Of(repeated, say, options.Replaced(parsed)) : null;
        var request = options.Request(parsed, like, say);
        var output = parsed.GetValue(options.Output);
        CheckTargets(output, parsed.GetValue(options.LatentsOutput));
        var path = like?.ModelPath(parsed.GetValue(options.Model)) ?? StarterModel.Or(parsed.GetValue(options.Model));
        var loading = options.Loading.Of(parsed);
        if (like is not null) loading = like.Loading(path, loading, options.Loading.NamesDevice(parsed), say);
        var display = new ProgressDisplay(terminal, isQuiet);
        var made = display.Run(progress =>
        {
            var clock = Stopwatch.StartNew();
            using var model = DiffusionModel.Load(path, loading, progress, cancellation);
            foreach (var difference in like?.Differences(model, cancellation) ?? []) say(difference);
            if (like is not null) request = model.Fitting(request, like.Request, say);
            var loadSeconds = clock.Elapsed.TotalSeconds;
            var pictures = new List<GeneratedPicture>();
            // A batch at a time, so that what is finished is on disk whatever happens next.
            foreach (var seeds in request.Seeds.Chunk(request.Batch))
            {
                var job = request with { Seeds = seeds };
                foreach (var picture in model.Generate(job, progress, cancellation))
                {
                    var file = PictureNames.For(output, request.Prompt, picture.Seed, request.Seeds.Count > 1);
                    Save(file, picture, () => PictureRecord.Of(model, job, picture, cancellation).Texts());
                    Announce(terminal, options, parsed, new(file, picture, loadSeconds));
                    pictures.Add(picture);
                }
            }
            return pictures;
        });
        if (parsed.GetValue(options.LatentsOutput) is { } latents) LatentsFile.Save(latents, made);
        return 0;
    }

    // Only PNG files have a place for texts. A picture that is made is kept, also when the user doesn't wait for the model's hash.
    private static void Save(string file, GeneratedPicture picture, Func<IReadOnlyDictionary<string, string>> texts)
    {
        var isPng = Path.GetExtension(file).Equals(".png", StringComparison.OrdinalIgnoreCase);
        try
        {
            picture.Picture.Save(file, isPng ? texts() : null);
        }
        catch (OperationCanceledException)
        {
            picture.Picture.Save(file);
            throw;
        }
    }

    private sealed record Finished(string File, GeneratedPicture Picture, double LoadSeconds);

    private static void Announce(Terminal terminal, GenerateOptions options, ParseResult parsed, Finished finished)
    {
        var (file, picture, loadSeconds) = finished;
        if (parsed.GetValue(options.Json))
            JsonLines.Write(terminal.Out, new
            {
                file,
                picture.Seed,
                picture.Picture.Width,
                picture.Picture.Height,
                Seconds = new { Load = loadSeconds, picture.Seconds.Encode, picture.Seconds.Denoise, picture.Seconds.Decode },
                picture.Loras,
                PeakMemoryBytes = Process.GetCurrentProcess().PeakWorkingSet64,
            });
        else if (!parsed.GetValue(options.Quiet)) terminal.Out.WriteLine(file);
    }

    // Said before a model is loaded and computed with for minutes.
    private static void CheckTargets(string? output, string? latents)
    {
        if (output is not null && !PictureNames.IsFolder(output)) Picture.CheckFileName(output);
        foreach (var target in new[] { output, latents }.OfType<string>())
            if (Path.GetDirectoryName(Path.GetFullPath(target)) is { } folder && !Directory.Exists(folder))
                throw new DiffSynthException($"'{target}' cannot be written: there is no folder '{folder}'.");
    }
}
